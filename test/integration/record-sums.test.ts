import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { exec } from "../../builders/host/exec.ts";
import { recordSums } from "../../controller/domain/record.ts";
import { MANIFEST } from "../fakes/release-record.ts";
import { ARTIFACTS } from "../fakes/release-run.ts";

test("sha256sum takes a record's SHA256SUMS beside the artifacts, and finds the one that changed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "imgrel-sums-"));
  try {
    for (const { path } of ARTIFACTS) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), path); // the fake's hashes are those of the paths
    }
    await writeFile(join(folder, "SHA256SUMS"), recordSums(MANIFEST));
    const check = () => exec({ program: "sha256sum", args: ["--check", "--strict", "SHA256SUMS"], cwd: folder });
    const whole = await check();
    expect(whole).toMatchObject({ exitCode: 0, stdout: ARTIFACTS.map(({ path }) => `${path}: OK\n`).join("") });
    await writeFile(join(folder, "amd64/raw/installer.img"), "other");
    expect(await check()).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("installer.img: FAILED") });
  } finally {
    await rm(folder, { recursive: true });
  }
});

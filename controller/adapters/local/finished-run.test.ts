import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BuildManifest } from "../../../builders/contract/build-manifest.ts";
import { digestOf, stableJson } from "../../../builders/contract/digest.ts";
import { PLAIN } from "../../../builders/contract/variation.ts";
import { hashFile } from "../../../builders/host/hash-file.ts";
import { markFinished, readFinished } from "./finished-run.ts";

const key = digestOf("request");
const record = {
  ...{ run: 1, startedOn: "2026-11-25T00:00:00.000Z", finishedOn: "2026-11-25T00:01:00.000Z" },
  ...{ variation: PLAIN, logs: [{ name: "root.log", sha256: "a".repeat(64) }] },
};
let work = "";
let manifest: BuildManifest;

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), "finished-run-"));
  const folder = join(work, "out/amd64/kernel-initrd");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "kernel"), "kernel");
  for (const name of ["root.cfs", "dpkg-status"]) await writeFile(join(work, "out/amd64", name), "kernel");
  const { sha256, sizeBytes, fsverity } = await hashFile(join(folder, "kernel"));
  const said = { sha256, size_bytes: sizeBytes, fsverity_digest: fsverity.digest };
  manifest = {
    ...{ schema_version: 1, arch: "amd64", base_image_digest: null, apt_snapshot: "20261101T000000Z" },
    ...{ kernel_version: "6", git_sha: "0".repeat(40), variants: ["kernel-initrd"], oci_digest: null },
    artifacts: { "amd64/kernel-initrd/kernel": said },
    fsverity_root_hash: digestOf("root"),
    root_image: { sha256, size_bytes: 1, fsverity_digest: digestOf("x") },
    ...{ composefs: said, dpkg_status: said },
    ...{ lock_digest: digestOf("lock"), toolchain_digest: digestOf("toolchain"), source_date_epoch: 0 },
  };
  await writeFile(join(work, "out/amd64/build-manifest.json"), stableJson(manifest));
  await markFinished(work, "amd64", key, record);
});
afterEach(() => rm(work, { recursive: true }));

describe("a finished run", () => {
  it("is found again", async () => {
    const manifestDigest = digestOf(stableJson(manifest));
    expect(await readFinished(work, "amd64", key)).toEqual({ manifest, manifestDigest, record });
  });
  const changes: Record<string, () => Promise<unknown>> = {
    "an artifact changed": () => writeFile(join(work, "out/amd64/kernel-initrd/kernel"), "Kernel"),
    "an artifact is gone": () => rm(join(work, "out/amd64/kernel-initrd/kernel")),
    "the composefs changed": () => writeFile(join(work, "out/amd64/root.cfs"), "Kernel"),
    "the package record is gone": () => rm(join(work, "out/amd64/dpkg-status")),
    "a file came": () => writeFile(join(work, "out/amd64/kernel-initrd/more"), ""),
    "the manifest changed": () =>
      writeFile(join(work, "out/amd64/build-manifest.json"), stableJson({ ...manifest, oci_digest: digestOf("x") })),
    "its mark is torn": () => writeFile(join(work, "finished.json"), '{"key"'),
    "it never finished": () => rm(join(work, "finished.json")),
  };
  it.each(Object.entries(changes))("is done again if %s", async (_, change) => {
    await change();
    expect(await readFinished(work, "amd64", key)).toBeNull();
  });
  it("is done again for another request, toolchain or builder", async () => {
    expect(await readFinished(work, "amd64", digestOf("other"))).toBeNull();
  });
});

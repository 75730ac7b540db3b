import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BuildManifest } from "../../builders/contract/build-manifest.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { exec, type Outcome } from "../../builders/host/exec.ts";
import { imgrel } from "../imgrel.ts";
import { runTools, toolchainRoot } from "../toolbox.ts";

// The whole demo release as `npm start` makes it, and what a second start does.
const BOOTS = ["kernel-initrd", "raw-bios", "raw-uefi", "qcow2-bios", "qcow2-uefi"];
let state = "";
let first: Outcome;

const start = () => imgrel("run", "--spec", "specs/demo", "--state-dir", state);
const manifest = async () =>
  BuildManifest.parse(
    JSON.parse(await readFile(join(state, "work/demo/amd64/run-1/out/amd64/build-manifest.json"), "utf8")),
  );

beforeAll(async () => {
  const parent = join(cacheRoot(process.env), "tests");
  await mkdir(parent, { recursive: true });
  state = await mkdtemp(join(parent, "release-"));
  first = await start();
});
afterAll(() => rm(state, { recursive: true, force: true }));

describe("the demo release", () => {
  it("is reproduced, booted everywhere and verified", () => {
    expect(first.exitCode, first.tail).toBe(0);
    expect(first.stdout).toContain("reproduced amd64: 2 runs are the same to the byte");
    for (const boot of BOOTS) expect(first.stdout).toMatch(new RegExp(`^${boot}: booted in `, "m"));
    expect(first.stdout.trimEnd().split("\n").at(-1)).toMatch(
      /^released demo: 3 artifacts, reproduced, booted, signed; record [0-9a-f]{40}$/,
    );
  });
  it("has the same root image in every variant, as each guest reported", async () => {
    const { root_image } = await manifest();
    const reported = [...first.stdout.matchAll(/ fsverity=(sha256:[0-9a-f]{64})/g)].map(([, digest]) => digest);
    expect(reported).toEqual(BOOTS.map(() => root_image.fsverity_digest));
  });
  it("is not built or booted again by a second start", async () => {
    const before = await manifest();
    const second = await start();
    expect(second.exitCode, second.tail).toBe(0);
    expect(second.wallSeconds).toBeLessThan(first.wallSeconds / 3);
    expect(second.tail).not.toContain("boot: started");
    expect(second.stdout).toMatch(/^nothing to do: demo is released; record [0-9a-f]{40}\n$/);
    expect(await manifest()).toEqual(before);
  });
  it("can be pulled by oras as the platform does, and cosign verifies what came", async () => {
    const root = await toolchainRoot();
    const pull = "oras pull --oci-layout /w/registry:demo-amd64-raw -o /w/pulled";
    await runTools(root, state, `mkdir -p pulled; HOME=/w ${pull}`);
    const names = await readdir(join(state, "pulled"));
    expect(names.toSorted()).toEqual(["installer.attestation-bundle", "installer.cosign-bundle", "installer.img"]);
    // cosign reads no blob above 128 MiB for an attestation unless it is told to
    const cosign = (line: string) =>
      runTools(
        root,
        state,
        `cd pulled; export HOME=/w TUF_ROOT=/w/tuf COSIGN_MAX_ATTACHMENT_SIZE=2GB; cosign ${line} installer.img 2>&1`,
      );
    const key = "--key /w/keys/signing.pub --insecure-ignore-tlog";
    expect(await cosign(`verify-blob ${key} --bundle installer.cosign-bundle`)).toContain("Verified OK");
    expect(await cosign(`verify-blob-attestation ${key} --bundle installer.attestation-bundle`)).toContain(
      "Verified OK",
    );
  });
  it("has sums in its record that hold for what was built", async () => {
    const sums = await exec({
      program: "git",
      args: ["--git-dir", join(state, "repository.git"), "show", "release-records:records/demo/SHA256SUMS"],
    });
    const check = await exec({
      ...{ program: "sha256sum", args: ["-c", "-"], input: sums.stdout },
      cwd: join(state, "work/demo/amd64/run-1/out"),
    });
    expect(check, check.tail).toMatchObject({ exitCode: 0 });
    expect(check.stdout).toContain("amd64/raw/installer.img: OK");
  });
});

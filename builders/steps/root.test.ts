import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Lock } from "../contract/lock.ts";
import { exec } from "../host/exec.ts";
import { checkCertificates, DPKG_OPTIONS } from "./root.ts";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "root-"));
});
afterEach(() => rm(root, { recursive: true }));

const file = async (path: string, content = "") => {
  await mkdir(join(root, path, ".."), { recursive: true });
  await writeFile(join(root, path), content);
};
const isThere = (path: string): Promise<boolean> =>
  stat(join(root, path)).then(
    () => true,
    () => false,
  );

describe("certificates", () => {
  const lock = (name: string): Lock => ({
    ...{ schemaVersion: 1, kind: "release", arch: "amd64", requested: [name], suites: [], toolchain: null },
    packages: [
      {
        ...{ name, version: "1", arch: "all", size: 1, sha256: "0", role: "target", suite: "x" },
        path: "pool/x.deb",
      },
    ],
  });
  it("must be there where their package is", async () => {
    await expect(checkCertificates(lock("ca-certificates"), root)).rejects.toThrow("has no certificate");
    await file("etc/ssl/certs/ca-certificates.crt");
    await expect(checkCertificates(lock("ca-certificates"), root)).rejects.toThrow("has no certificate");
    await file("etc/ssl/certs/ca-certificates.crt", "-----BEGIN");
    await expect(checkCertificates(lock("ca-certificates"), root)).resolves.toBeUndefined();
  });
  it("need not be there where it is not", async () => {
    await expect(checkCertificates(lock("bash"), root)).resolves.toBeUndefined();
  });
});

describe("a target root", () => {
  beforeEach(async () => {
    for (const path of [
      "man/man1/x.1",
      "doc/x/copyright",
      "doc/x/README",
      "locale/de/x.mo",
      "info/x",
      "zoneinfo/UTC",
    ]) {
      await file(`usr/share/${path}`);
    }
    await mkdir(join(root, "etc/dpkg/dpkg.cfg.d"), { recursive: true });
    for (const name of ["resolv.conf", "hostname", "fstab"]) await file(`etc/${name}`);
    const script = new URL("prepare-target.sh", import.meta.url).pathname;
    expect(await exec({ program: "sh", args: [script, root, ...DPKG_OPTIONS] })).toMatchObject({ exitCode: 0 });
  });
  it("loses documentation that was unpacked before dpkg knew, and nothing else", async () => {
    for (const path of ["man/man1", "doc/x", "locale/de", "info/x"]) {
      expect(await isThere(`usr/share/${path}`), path).toBe(false);
    }
    for (const path of ["man", "doc", "zoneinfo/UTC"]) expect(await isThere(`usr/share/${path}`), path).toBe(true);
    expect(await readFile(join(root, "etc/dpkg/dpkg.cfg.d/imgrel"), "utf8")).toBe(`${DPKG_OPTIONS.join("\n")}\n`);
  });
  it("has nothing of the builder's own network and name, which a pod has and a sandbox lacks", async () => {
    for (const name of ["resolv.conf", "hostname"]) expect(await isThere(`etc/${name}`), name).toBe(false);
    expect(await isThere("etc/fstab")).toBe(true);
  });
  it("has a depmod that does nothing", async () => {
    const outcome = await exec({ program: join(root, "imgrel/depmod"), args: ["6.12"] });
    expect(outcome).toMatchObject({ exitCode: 0, tail: "" });
  });
  it("updates certificates by the trigger alone", async () => {
    const program = join(root, "imgrel/update-ca-certificates");
    expect(await exec({ program, args: ["--hooksdir", ""] })).toMatchObject({ exitCode: 0, tail: "" });
    expect(await readFile(program, "utf8")).toContain('exec /usr/sbin/update-ca-certificates "$@"');
  });
});

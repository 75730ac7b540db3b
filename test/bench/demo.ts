import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BuildRequest } from "../../builders/contract/build-request.ts";
import type { Variant } from "../../builders/contract/variant.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { exec } from "../../builders/host/exec.ts";
import { ensureToolchain } from "../../builders/host/toolchain.ts";
import { releaseLock } from "../../controller/commands/fetch.ts";
import { readToolchainLock } from "../../controller/commands/lock-files.ts";
import { readReleaseFolder } from "../../controller/domain/release-folder.ts";
import { openSpecFolder } from "../../controller/wiring.ts";
import { imgrel, PROJECT } from "../imgrel.ts";

export const CACHE = cacheRoot(process.env);
export const SIGNAL = new AbortController().signal;
const SPEC = "specs/demo";

/** The demo release's request for amd64, all its inputs in the cache, and the toolchain that builds it. */
export async function demoRelease(variants: readonly Variant[]) {
  const fetched = await imgrel("fetch", SPEC);
  if (fetched.exitCode !== 0) throw new Error(`imgrel fetch: ${fetched.tail}`);
  const files = await openSpecFolder(join(PROJECT, SPEC));
  const { release, locks } = readReleaseFolder("demo", SPEC, await files.read());
  const toolchainLock = await readToolchainLock("amd64");
  const lock = releaseLock(locks.get("amd64"), SPEC, "amd64", toolchainLock);
  const options = { cache: CACHE, project: PROJECT, report: () => undefined, signal: SIGNAL };
  const toolchain = await ensureToolchain({ ...options, lock: toolchainLock });
  const request: BuildRequest = {
    schemaVersion: 1,
    release: release.metadata.name,
    version: release.spec.version,
    arch: "amd64",
    variants: [...variants],
    kernelPackage: release.spec.inputs.kernelPackage.amd64 ?? "",
    sourceDateEpoch: release.spec.inputs.sourceDateEpoch,
    gitSha: "0".repeat(40),
    baseImageDigest: null,
    aptSnapshot: "20261101T000000Z",
    lock,
  };
  return { request, toolchain, lock };
}

/**
 * A folder for what is measured. `memory`: a tmpfs, so that nothing waits for a disk, nor for what was deleted on it
 * just before (an ext4 without a journal passes over inodes that were freed in the last minutes, one by one).
 */
export async function benchFolder(medium: "disk" | "memory"): Promise<{ path: string } & AsyncDisposable> {
  await mkdir(CACHE, { recursive: true });
  const path = await mkdtemp(join(CACHE, "bench-"));
  const run = async (program: string, ...args: string[]) => {
    const outcome = await exec({ program, args });
    if (outcome.exitCode !== 0) throw new Error(`${program}: ${outcome.tail}`);
  };
  if (medium === "memory") await run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", path);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      if (medium === "memory") await run("umount", path);
      await rm(path, { recursive: true, force: true });
    },
  };
}

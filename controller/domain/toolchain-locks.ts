import { type Digest, digestOf } from "../../builders/contract/digest.ts";
import { type Lock, lockDigest, parseLock, serializeLock } from "../../builders/contract/lock.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { ReleaseError } from "./errors.ts";
import { lockFileName } from "./release-lock.ts";
import { textOf } from "./spec-files.ts";

/** Locks of toolchains, by architecture. */
export type ToolchainLocks = ReadonlyMap<Arch, Lock>;

/** Where the toolchain's lock stands in the repository of the local process. */
export const committedToolchainLock = (arch: Arch): string => `toolchain/${lockFileName(arch)}`;

/**
 * The toolchain that releases of an architecture are built with.
 * @throws ReleaseError InputMissing
 */
export function toolchainOf(toolchains: ToolchainLocks, arch: Arch): Lock {
  const lock = toolchains.get(arch);
  if (lock !== undefined) return lock;
  throw new ReleaseError(
    "InputMissing",
    `the toolchain has no lock for ${arch}, which a release's lock names`,
    `run: imgrel lock --toolchain --arch ${arch}`,
  );
}

/** What a release's lock names the toolchain by. Throws as {@link toolchainOf}. */
export const toolchainDigest = (toolchains: ToolchainLocks, arch: Arch): Digest =>
  lockDigest(toolchainOf(toolchains, arch));

/** The locks of toolchains as the repository holds them, by path. */
export const toolchainFiles = (toolchains: ToolchainLocks): ReadonlyMap<string, string> =>
  new Map([...toolchains].map(([arch, lock]) => [committedToolchainLock(arch), serializeLock(lock)]));

/**
 * Reads the lock of a toolchain. `file` is how messages name it.
 * @throws ReleaseError StaleLock if it is none, or of another architecture
 */
export function readToolchainLock(file: string, content: Uint8Array, arch: Arch): Lock {
  const stale = (why: string, options?: ErrorOptions) =>
    new ReleaseError("StaleLock", `${file} ${why}`, `make it anew: imgrel lock --toolchain --arch ${arch}`, options);
  const text = textOf(file, content);
  let lock: Lock;
  try {
    lock = parseLock(text);
  } catch (cause) {
    throw stale(`is not a lock: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  if (lock.kind !== "toolchain" || lock.arch !== arch) throw stale(`is a ${lock.kind} lock for ${lock.arch}`);
  // whoever reads the file by its digest must find the digest that release locks name
  if (digestOf(text) !== lockDigest(lock)) throw stale("is not in the form that imgrel writes");
  return lock;
}

/**
 * The lock with a digest, among all contents that its file ever had: releases of different toolchains stand in one
 * history. Null: none has it.
 * @throws ReleaseError StaleLock as {@link readToolchainLock}
 */
export function findToolchainLock(contents: readonly Uint8Array[], digest: Digest | null, arch: Arch): Lock | null {
  const content = contents.find((one) => digestOf(one) === digest);
  return content === undefined ? null : readToolchainLock(committedToolchainLock(arch), content, arch);
}

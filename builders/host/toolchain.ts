import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BuildError } from "../contract/build-failure.ts";
import type { Digest } from "../contract/digest.ts";
import { type Lock, lockDigest, type LockedPackage, packageKey } from "../contract/lock.ts";
import type { Report } from "../contract/progress.ts";
import { runBuilder } from "./builder.ts";
import { blobPath } from "./cache.ts";
import { diskFull, saysDiskFull } from "./disk-full.ts";
import { exec, PLAIN_ENV } from "./exec.ts";
import { writeFileAtomic } from "./files.ts";
import { startedBy } from "./orphans.ts";
import { isAlive, type ProcessIdentity, thisProcess } from "./process-identity.ts";
import { MOUNT_POINTS } from "./sandbox.ts";
import { sideBySide } from "./side-by-side.ts";
import { timed } from "./step.ts";
import { treeDigest } from "./tree.ts";

export type ToolchainOptions = {
  readonly lock: Lock;
  /** cacheRoot of cache.ts: blobs are there already */
  readonly cache: string;
  /** root of the imgrel sources */
  readonly project: string;
  /** a toolchain root that installs the lock's packages; without it they install themselves, as those of a toolchain can */
  readonly installer?: string;
  readonly report: Report;
  readonly signal: AbortSignal;
};

/** A toolchain root that was built from a lock. `digest` is its treeDigest, the same on every host. */
export type Toolchain = { readonly root: string; readonly lock: Digest; readonly digest: Digest };

/** Unpacks what the shell needs first, so that later packages find merged-/usr links in place. */
const baseFirst = (a: LockedPackage, b: LockedPackage): number =>
  Number(b.name === "base-files") - Number(a.name === "base-files") || (packageKey(a) < packageKey(b) ? -1 : 1);

/**
 * Stage 1: the packages of the lock, unpacked but not configured. It is enough to run mmdebstrap, and needs only
 * dpkg-deb of the host; no maintainer script has run.
 */
async function unpackStage1(options: ToolchainOptions, root: string): Promise<void> {
  const [first, ...others] = options.lock.packages.toSorted(baseFirst);
  const unpack = async (locked: LockedPackage, signal: AbortSignal) => {
    const outcome = await exec({
      program: "dpkg-deb",
      args: ["--extract", blobPath(options.cache, locked.sha256), root],
      env: { ...PLAIN_ENV, ...startedBy(thisProcess()) },
      signal,
    });
    if (outcome.exitCode !== 0) {
      if (saysDiskFull(outcome.tail)) throw await diskFull("toolchain", [root], outcome.tail);
      throw new BuildError({
        code: "StepFailed",
        step: "toolchain",
        message: `dpkg-deb could not unpack ${locked.name} ${locked.version}`,
        remedy: "read the lines below",
        logTail: outcome.tail,
      });
    }
  };
  if (first !== undefined) await unpack(first, options.signal);
  await sideBySide(others, 2, options.signal, unpack);
  for (const point of MOUNT_POINTS) await mkdir(join(root, point), { recursive: true });
}

/** The root that installs the packages: another one, or stage 1 of the lock itself. */
async function installerOf(options: ToolchainOptions, stage1: string): Promise<string> {
  if (options.installer !== undefined) return options.installer;
  await mkdir(stage1, { recursive: true });
  await timed(options.report, "toolchain stage 1", async () => ({ value: await unpackStage1(options, stage1) }));
  return stage1;
}

/** Seconds since 1970 of a snapshot timestamp, `YYYYMMDDTHHMMSSZ`. */
const epochOf = (timestamp: string): number =>
  Date.parse(timestamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z")) / 1000;

async function build(options: ToolchainOptions, folder: string): Promise<Digest> {
  const [suite] = options.lock.suites;
  if (suite === undefined) throw new Error("a lock has at least one suite");
  const stage1 = join(folder, "stage1");
  await runBuilder({
    ...options,
    toolchainRoot: await installerOf(options, stage1),
    work: join(folder, "work"),
    command: "toolchain",
    request: { schemaVersion: 1, sourceDateEpoch: epochOf(suite.date), lock: options.lock },
  });
  await rm(stage1, { recursive: true, force: true });
  return treeDigest(join(folder, "work/root"));
}

const partialName = ({ pid, startTime }: ProcessIdentity): string => `.${pid}-${startTime}.partial`;
const PARTIAL = /\.([0-9]+)-([0-9]+)\.partial$/;

/** Removes what builds of a toolchain left that were killed: each would keep more than a GB for ever. */
async function removeAbandoned(toolchains: string): Promise<void> {
  for (const name of await readdir(toolchains).catch(() => [])) {
    const [, pid, startTime = ""] = PARTIAL.exec(name) ?? [];
    if (pid === undefined || isAlive({ pid: Number(pid), startTime })) continue;
    await rm(join(toolchains, name), { recursive: true, force: true });
  }
}

/**
 * The toolchain root of a lock: built on first use (stage 1 unpacked on the host, stage 2 built inside it by the
 * builder itself, so that no program of the host decides a byte), then reused. Its content is hashed at each use. With an
 * `installer` it is any root of imgrel's own, made by that toolchain.
 * @throws BuildError if a package is missing, a build step fails or the cached root was altered
 */
export async function ensureToolchain(options: ToolchainOptions): Promise<Toolchain> {
  const lock = lockDigest(options.lock);
  const home = join(options.cache, "toolchains", lock.slice("sha256:".length));
  const root = join(home, "root");
  const recorded = await readFile(join(home, "digest"), "utf8").catch(() => undefined);
  if (recorded === undefined) {
    await removeAbandoned(dirname(home));
    const folder = `${home}${partialName(thisProcess())}`;
    try {
      const digest = await build(options, folder);
      const made = join(folder, "made");
      await mkdir(made);
      await rename(join(folder, "work/root"), join(made, "root"));
      await writeFileAtomic(join(made, "digest"), `${digest}\n`);
      await rm(home, { recursive: true, force: true });
      await rename(made, home).catch(async (error: unknown) => {
        // another process was faster by a moment: a toolchain of the same lock is as good as ours
        if ((await readFile(join(home, "digest"), "utf8").catch(() => "")) !== `${digest}\n`) throw error;
      });
      return { root, lock, digest };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  const digest = await treeDigest(root);
  if (`${digest}\n` !== recorded) {
    throw new BuildError({
      code: "InputDigestMismatch",
      step: "toolchain",
      message: `the toolchain root ${root} was altered: its digest is ${digest}, it was built as ${recorded.trim()}`,
      remedy: `remove ${home} and run the command again: it is built anew`,
    });
  }
  return { root, lock, digest };
}

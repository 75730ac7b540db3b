import { fileURLToPath } from "node:url";
import type { Variation } from "../contract/variation.ts";
import type { Command } from "./exec.ts";
import { startedBy } from "./orphans.ts";
import { thisProcess } from "./process-identity.ts";

/** A host path made visible inside the sandbox, read-only. Targets lie below /imgrel or /in. */
export type Bind = { readonly source: string; readonly target: string };

/** Folders that a toolchain root must have as mount points. */
export const MOUNT_POINTS = ["w", "in", "imgrel", "mnt", "proc", "dev", "tmp"] as const;

/** Folders of a work folder that are there before a step runs. */
export const WORK_FOLDERS = ["tmp", "out", "logs"] as const;

/** What a sandbox is made of. `root` is the toolchain root, `work` becomes /w, the current folder. */
export type Sandbox = {
  /** `build`: uid 0 with the builder's eight capabilities; `boot`: uid 65532 with none */
  readonly rights: "build" | "boot";
  readonly root: string;
  readonly work: string;
  readonly binds: readonly Bind[];
  /** host name, umask, CPUs and file system of the work folder */
  readonly variation: Variation;
  readonly env: Readonly<Record<string, string>>;
};

const SCRIPT = fileURLToPath(new URL("sandbox.sh", import.meta.url));

/**
 * The command that runs `program` in private mount, PID, network, IPC and UTS namespaces, its root the toolchain
 * root, with the rights of a build or of a boot. Ending it, or the process that started it, ends everything inside:
 * `setpriv --pdeathsig` and `unshare --kill-child` tie the namespace's init to both, and sandbox.sh ties it once more.
 * What a starter leaves that dies too early for that, endOrphans (orphans.ts) finds by its environment.
 *
 * The network namespace is new and empty: not even its loopback device is up.
 */
export function inSandbox(sandbox: Sandbox, program: string, args: readonly string[]): Command {
  const { rights, root, work, binds, variation } = sandbox;
  const { hostname, umask, workFileSystem, cpus } = variation;
  const pinned = cpus === null ? [] : ["taskset", "--cpu-list", cpus];
  return {
    program: "setpriv",
    args: [
      ...["--pdeathsig", "KILL", ...pinned],
      ...["unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child=SIGKILL"],
      ...["sh", SCRIPT, rights, hostname, umask, workFileSystem, work, root],
      ...binds.flatMap(({ source, target }) => [source, target]),
      ...["--", program, ...args],
    ],
    env: { ...sandbox.env, ...startedBy(thisProcess()) },
  };
}

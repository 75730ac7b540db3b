import { fileURLToPath } from "node:url";
import type { Command } from "./exec.ts";

/** A host path made visible inside the sandbox. Targets of `ro` binds lie below /imgrel or /in. */
export type Bind = { readonly mode: "ro" | "rw"; readonly source: string; readonly target: string };

/** Where things lie inside, in a sandbox as in a build pod: the same paths, hence the same bytes. */
export const INSIDE = {
  work: "/w",
  blobs: "/in/blobs",
  request: "/in/request.json",
  artifact: "/in/artifact",
  project: "/imgrel",
  node: "/imgrel/bin/node",
} as const;

/** Folders that a toolchain root must have as mount points. */
export const MOUNT_POINTS = ["w", "in", "imgrel", "mnt", "proc", "dev", "tmp"] as const;

/** User and group of a boot, in a sandbox as in a boot pod; it must be able to write the work folder. */
export const BOOT_UID = 65532;

/** What a sandbox is made of. `root` is the toolchain root, `work` becomes /w, the current folder. */
export type Sandbox = {
  /** `build`: uid 0 with the builder's eight capabilities; `boot`: {@link BOOT_UID} with none */
  readonly rights: "build" | "boot";
  readonly root: string;
  readonly work: string;
  readonly binds: readonly Bind[];
  readonly env: Readonly<Record<string, string>>;
};

const SCRIPT = fileURLToPath(new URL("sandbox.sh", import.meta.url));

/**
 * The command that runs `program` in private mount, PID, network, IPC and UTS namespaces, its root the toolchain
 * root, with the rights of a build or of a boot. Ending it ends everything
 * inside: `unshare --kill-child` ties the namespace's init to it.
 *
 * The network namespace is new and empty: not even its loopback device is up.
 */
export function inSandbox(sandbox: Sandbox, program: string, args: readonly string[]): Command {
  const binds = [{ mode: "rw" as const, source: sandbox.work, target: INSIDE.work }, ...sandbox.binds];
  return {
    program: "unshare",
    args: [
      ...["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child=SIGKILL"],
      ...["sh", SCRIPT, sandbox.rights, sandbox.root],
      ...binds.flatMap((bind) => [bind.mode, bind.source, bind.target]),
      ...["--", program, ...args],
    ],
    env: sandbox.env,
  };
}

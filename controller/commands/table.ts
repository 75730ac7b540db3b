import type { RegisterCommand } from "./command.ts";

/** A command as the program's help knows it; its file is read only when the command is used. */
export type CommandEntry = {
  /** the name it registers */
  readonly name: string;
  /** its line in `imgrel --help` */
  readonly summary: string;
  /** whether it keeps a log of JSON lines without being asked: what runs for ever is read by programs */
  readonly logs?: true;
  readonly load: () => Promise<{ readonly register: RegisterCommand }>;
};

/** Every command, in the order of `imgrel --help`. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "run",
    summary: "release as one local process: lock, build, boot, sign, publish, record",
    load: () => import("./run.ts"),
  },
  { name: "build", summary: "build one architecture into a folder", load: () => import("./build.ts") },
  { name: "lint", summary: "check specs, classes, sources and locks", load: () => import("./lint.ts") },
  { name: "lock", summary: "pin every package of a release by version and hash", load: () => import("./lock.ts") },
  { name: "fetch", summary: "download every input of a release into the cache", load: () => import("./fetch.ts") },
  { name: "bump", summary: "move a release to what the archive has today", load: () => import("./bump.ts") },
  { name: "boot", summary: "boot an artifact in QEMU and prove what came up", load: () => import("./boot.ts") },
  { name: "verify", summary: "prove a release from its record and a policy", load: () => import("./verify.ts") },
  { name: "status", summary: "show what the records say of each release", load: () => import("./status.ts") },
  { name: "crds", summary: "print the CustomResourceDefinitions of the kinds", load: () => import("./crds.ts") },
  {
    name: "controller",
    summary: "follow sources in a cluster and release what they hold",
    logs: true,
    load: () => import("./controller.ts"),
  },
  { name: "pod", summary: "what the controller starts in pods of a cluster", load: () => import("./pod.ts") },
  { name: "inspect", summary: "show what an artifact holds, without mounting it", load: () => import("./inspect.ts") },
  {
    name: "images",
    summary: "make the images of controller, builder and boot",
    load: () => import("./images.ts"),
  },
];

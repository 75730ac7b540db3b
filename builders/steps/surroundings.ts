import { readdir, readFile } from "node:fs/promises";
import { BuildError } from "../contract/build-failure.ts";
import { INSIDE } from "../contract/inside.ts";
import { PROJECT_PARTS } from "../host/builder.ts";
import { WORK_FOLDERS } from "../host/sandbox.ts";

/** Names in a folder; none if it is not there yet, as in the empty work folder of a pod. */
const namesIn = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });

/** What a builder sees when it starts. */
export type Surroundings = {
  /** text of /proc/self/mountinfo, proc_pid_mountinfo(5) */
  readonly mountInfo: string;
  /** names in folders, by folder */
  readonly names: ReadonlyMap<string, readonly string[]>;
};

/** Where a run has something mounted, in a sandbox or in a pod. */
const MOUNTS: readonly string[] = [
  ...["/", "/tmp", "/in", INSIDE.project, INSIDE.work],
  ...[`${INSIDE.work}/out`, `${INSIDE.work}/logs`], // of a work folder in memory
  ...[INSIDE.blobs, INSIDE.request, INSIDE.node],
  ...PROJECT_PARTS.map((part) => `${INSIDE.project}/${part}`),
  ...["/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/termination-log"], // single files of a pod's own
];

/** File systems of the kernel, below its own folders: they hold nobody's files. */
const KERNEL_PLACES = /^\/(proc|sys|dev)(\/|$)/;
const KERNEL_TYPES = /^(proc|sysfs|tmpfs|devtmpfs|devpts|mqueue|cgroup2?)$/;

/** What may be in a folder when a run starts: no result, nor anything derived, of this run's past or of another run. */
const NAMES: ReadonlyMap<string, RegExp> = new Map([
  [INSIDE.work, /^(tmp|out|logs|request\.json|lost\+found)$/],
  // each may be a volume of its own
  ...WORK_FOLDERS.map((below): [string, RegExp] => [`${INSIDE.work}/${below}`, /^lost\+found$/]),
  ["/in", /^(blobs|request\.json)$/],
  [INSIDE.blobs, /^[0-9a-f]{2}$/], // what is below is hashed before it is used
  ["/mnt", /^$/],
]);

/** What a run could see that is not its own; empty if there is nothing. */
export function surroundingsFaults({ mountInfo, names }: Surroundings): string[] {
  const mounts = mountInfo
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [, point = line, type = ""] = /^(?:\S+ ){4}(\S+) .*? - (\S+) /.exec(line) ?? [];
      return { point, type };
    });
  const foreign = mounts.filter(
    ({ point, type }) => !MOUNTS.includes(point) && !(KERNEL_PLACES.test(point) && KERNEL_TYPES.test(type)),
  );
  const strange = [...NAMES].flatMap(([folder, allowed]) =>
    (names.get(folder) ?? []).filter((name) => !allowed.test(name)).map((name) => `${folder} holds ${name}`),
  );
  return [...foreign.map(({ point }) => `something is mounted at ${point}`), ...strange];
}

/**
 * Refuses to start a run that can see more than its inputs: the folder of another run, or anything derived.
 * @throws BuildError SurroundingsMismatch
 */
export async function assertSurroundings(): Promise<void> {
  const names = await Promise.all([...NAMES.keys()].map(async (folder) => [folder, await namesIn(folder)] as const));
  const faults = surroundingsFaults({
    mountInfo: await readFile("/proc/self/mountinfo", "utf8"),
    names: new Map(names),
  });
  if (faults.length === 0) return;
  throw new BuildError({
    code: "SurroundingsMismatch",
    step: "surroundings",
    message: `this run could see what is not its own: ${faults.join("; ")}`,
    remedy: "start it through imgrel with a work folder of its own, or in a pod with an empty volume",
  });
}

import { mkdir, readFile, rmdir, writeFile, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** One mounted hierarchy of control groups, and the group of it that this process is in (cgroups(7)). */
export type Hierarchy = {
  readonly type: "cgroup" | "cgroup2";
  /** folder of the mount */
  readonly mount: string;
  /** folder of this process's group */
  readonly own: string;
  /** options that mount the same hierarchy again */
  readonly options: string;
};

/** What v2 must hand down for a kubelet; v1 has a hierarchy for each. */
const CONTROLLERS = ["cpu", "cpuset", "memory", "pids"];

/** The hierarchies of this process, from /proc/self/cgroup and /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export function hierarchiesOf(cgroup: string, mountinfo: string): Hierarchy[] {
  const groups = cgroup.split("\n").flatMap((line) => {
    const [, controllers, path] = /^[0-9]+:([^:]*):(\/.*)$/.exec(line) ?? [];
    return controllers === undefined || path === undefined ? [] : [{ controllers, path }];
  });
  return mountinfo.split("\n").flatMap((line): Hierarchy[] => {
    const [, root, mount, type, options = ""] = /^\S+ \S+ \S+ (\S+) (\S+) .* - (cgroup2?) \S+ (\S+)$/.exec(line) ?? [];
    if (root === undefined || mount === undefined) return [];
    const has = new Set(options.split(","));
    const group = groups.find(({ controllers }) =>
      type === "cgroup2"
        ? controllers === ""
        : controllers !== "" && controllers.split(",").every((one) => has.has(one)),
    );
    if (group === undefined) return [];
    const below = relative(root, group.path);
    const own = below.startsWith("..") ? mount : join(mount, below);
    if (type === "cgroup2") return [{ type, mount, own, options: "rw" }];
    const named = group.controllers.startsWith("name=");
    return [{ type: "cgroup", mount, own, options: named ? `none,${group.controllers}` : group.controllers }];
  });
}

/** The group of a cluster in a hierarchy. In v2 a group with processes hands nothing down, so ours is at the top. */
const groupFolder = ({ type, mount, own }: Hierarchy, name: string): string =>
  join(type === "cgroup2" ? mount : own, `imgrel-cluster-${name}`);

/** A line of the file `cgroups`, which launch.sh and init.sh read: group, type, options, folder below /sys/fs/cgroup. */
const lineOf = (hierarchy: Hierarchy, name: string): string => {
  const { type, mount, options } = hierarchy;
  return `${groupFolder(hierarchy, name)} ${type} ${options} ${relative("/sys/fs/cgroup", mount) || "."}\n`;
};

async function handDown(mount: string): Promise<void> {
  const read = async (file: string) => (await readFile(join(mount, file), "utf8")).trim().split(" ");
  const [there, handed] = [await read("cgroup.controllers"), await read("cgroup.subtree_control")];
  for (const one of CONTROLLERS) {
    if (there.includes(one) && !handed.includes(one)) await writeFile(join(mount, "cgroup.subtree_control"), `+${one}`);
  }
}

const readHierarchies = async (): Promise<Hierarchy[]> =>
  hierarchiesOf(await readFile("/proc/self/cgroup", "utf8"), await readFile("/proc/self/mountinfo", "utf8"));

/** Makes a group of the cluster's own in every hierarchy; gives the text of the file `cgroups`. */
export async function makeGroups(name: string): Promise<string> {
  const hierarchies = await readHierarchies();
  for (const hierarchy of hierarchies) {
    const group = groupFolder(hierarchy, name);
    if (hierarchy.type === "cgroup2") {
      await handDown(hierarchy.mount);
      await mkdir(join(group, "init"), { recursive: true });
      continue;
    }
    await mkdir(group, { recursive: true });
    if (!hierarchy.options.split(",").includes("cpuset")) continue;
    // a new group of the cpuset hierarchy has no processor and takes no process
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      await writeFile(join(group, file), await readFile(join(hierarchy.own, file)));
    }
  }
  return hierarchies.map((hierarchy) => lineOf(hierarchy, name)).join("");
}

async function removeTree(group: string): Promise<void> {
  for (const entry of await readdir(group, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(group, entry.name));
  }
  await rmdir(group);
}

const isGone = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";

/**
 * Removes what {@link makeGroups} made and what grew below. The kernel lets go of a group a moment after its last process.
 * @throws Error of the last attempt if a group is still in use after 10 seconds
 */
export async function removeGroups(name: string, signal: AbortSignal): Promise<void> {
  for (const group of (await readHierarchies()).map((hierarchy) => groupFolder(hierarchy, name))) {
    for (let tries = 0; ; tries += 1) {
      try {
        await removeTree(group);
      } catch (error) {
        if (isGone(error)) break;
        if (tries === 100) throw error;
        await sleep(100, undefined, { signal });
      }
    }
  }
}

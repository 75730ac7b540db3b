import { readdir, readFile, stat } from "node:fs/promises";
import { exec } from "../../../builders/host/exec.ts";
import { clusterFolder, initOf, printed } from "./cluster.ts";

/** Which network namespace a process is in; undefined once it is gone. */
const networkOf = (pid: number | string): Promise<number | undefined> =>
  stat(`/proc/${pid}/ns/net`).then(
    ({ ino }) => ino,
    () => undefined,
  );

/** The network namespace of a cluster that is up. */
export async function clusterNetwork(name: string): Promise<number | undefined> {
  const init = await initOf(clusterFolder(name));
  return init === undefined ? undefined : networkOf(init);
}

/** What a cluster keeps of this machine; nothing of all this may be left after its end. */
export type Traces = {
  /** processes that have its mark, see its folder mounted or are in its network */
  readonly processes: number;
  readonly controlGroups: number;
  readonly folder: boolean;
};

/** What there is of a cluster; `network` is {@link clusterNetwork} as it was. */
export async function tracesOf(name: string, network?: number): Promise<Traces> {
  const folder = clusterFolder(name);
  const processes: string[] = [];
  for (const pid of (await readdir("/proc")).filter((entry) => /^[0-9]+$/.test(entry))) {
    const texts = await Promise.all(
      ["environ", "mountinfo"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")), // gone by now
    );
    const isIn = network !== undefined && (await networkOf(pid)) === network;
    if (isIn || texts.some((text) => text.includes(`${folder}\0`) || text.includes(`/clusters/${name}/`))) {
      processes.push(pid);
    }
  }
  const find = { program: "find", args: ["/sys/fs/cgroup", "-type", "d", "-name", `imgrel-cluster-${name}`] };
  return {
    processes: processes.length,
    controlGroups: printed(await exec(find)).split("\n").length - 1,
    folder: await stat(folder).then(
      () => true,
      () => false,
    ),
  };
}

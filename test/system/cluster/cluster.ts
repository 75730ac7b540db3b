import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { cacheRoot } from "../../../builders/host/cache.ts";
import { type Command, exec, type Outcome, PLAIN_ENV } from "../../../builders/host/exec.ts";
import { ReleaseError } from "../../../controller/domain/errors.ts";

/** What `cluster.json` in a cluster's folder says, once it is up. */
const Description = z.strictObject({
  /** ports of this machine's loopback */
  apiPort: z.int(),
  registryPort: z.int(),
  /** folder with kubectl and the node's parts */
  bin: z.string(),
  /** root file system of the node */
  root: z.string(),
});
export type Description = z.infer<typeof Description>;

/** A cluster that is up. */
export type Cluster = Description & {
  readonly name: string;
  /** its folder; the node sees it as /run/cluster, and `lib` in it as /var/lib */
  readonly folder: string;
  /** kubeconfig file for programs of this machine */
  readonly kubeconfig: string;
  /** `127.0.0.1:<port>`: for programs of this machine, the registry that the node knows as 10.244.0.1:5000 */
  readonly registry: string;
};

/** Socket paths end at 107 bytes (unix(7)); the longest below a cluster's folder takes 14. */
const MAX_FOLDER = 93;

/**
 * Where a cluster keeps everything.
 * @throws ReleaseError Usage if no cluster can have this name
 */
export function clusterFolder(name: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/.test(name)) {
    const remedy = "use at most 20 small letters, digits and hyphens, the first and last no hyphen";
    throw new ReleaseError("Usage", `no cluster can have the name '${name}'`, remedy);
  }
  const folder = join(cacheRoot(process.env), "clusters", name);
  if (Buffer.byteLength(folder) <= MAX_FOLDER) return folder;
  throw new ReleaseError("Usage", `the path ${folder} is too long for sockets`, "set XDG_CACHE_HOME to a shorter one");
}

/** Variable that every process of a cluster has in its environment, containers aside: its folder. */
export const MARK = "IMGREL_CLUSTER";
export const markOf = (folder: string): Readonly<Record<string, string>> => ({ [MARK]: folder });

/** What a file of a cluster's folder holds; undefined if it is not there. */
const readIfThere = (folder: string, file: string): Promise<string | undefined> =>
  readFile(join(folder, file), "utf8").catch(() => undefined);

/** Number of the node's first process on this machine; undefined if there is none. */
export async function initOf(folder: string): Promise<number | undefined> {
  const pid = (await readIfThere(folder, "init.pid"))?.trim();
  if (pid === undefined) return undefined;
  const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => ""); // it has ended
  return environment.split("\0").includes(`${MARK}=${folder}`) ? Number(pid) : undefined;
}

const kubeconfigOf = (folder: string): string => join(folder, "kubeconfig");

export const clusterOf = (name: string, folder: string, description: Description): Cluster => ({
  ...description,
  name,
  folder,
  kubeconfig: kubeconfigOf(folder),
  registry: `127.0.0.1:${description.registryPort}`,
});

/** The cluster of this name; undefined if it is not up. */
export async function findCluster(name: string): Promise<Cluster | undefined> {
  const folder = clusterFolder(name);
  const description = await readIfThere(folder, "cluster.json");
  if (description === undefined || (await initOf(folder)) === undefined) return undefined;
  return clusterOf(name, folder, Description.parse(JSON.parse(description)));
}

const EXEC = join(import.meta.dirname, "exec.sh");

/**
 * A program of this machine that runs in the cluster's network, with kubectl in its PATH and KUBECONFIG set. It ends
 * with the cluster at the latest.
 */
export const inNetwork = (cluster: Cluster, program: string, args: readonly string[]): Command => ({
  program: "sh",
  args: [EXEC, "--name", cluster.name, "--", program, ...args],
  env: { ...PLAIN_ENV, HOME: process.env["HOME"] ?? "/", XDG_CACHE_HOME: join(cacheRoot(process.env), "..") },
});

/** A program of the node's root that runs on the node, in all of its namespaces. */
export async function inNode(folder: string, program: string, args: readonly string[]): Promise<Command> {
  const init = await initOf(folder);
  if (init === undefined) throw new Error(`the node of ${folder} has ended`);
  const namespaces = ["--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup"];
  return {
    program: "nsenter",
    args: [`--target=${init}`, ...namespaces, "--", program, ...args],
    env: { ...PLAIN_ENV, ...markOf(folder) },
  };
}

/** kubectl as the cluster's admin, from this machine; `input` is its standard input. */
export const kubectl = (cluster: Pick<Cluster, "bin" | "kubeconfig">, args: readonly string[], input?: string) =>
  exec({
    program: join(cluster.bin, "kubectl"),
    args,
    env: { ...PLAIN_ENV, KUBECONFIG: cluster.kubeconfig, HOME: dirname(cluster.kubeconfig) }, // for its cache
    ...(input === undefined ? {} : { input }),
  });

/** What a program printed; @throws Error with its last lines if it failed */
export function printed({ exitCode, stdout, tail }: Outcome): string {
  if (exitCode !== 0) throw new Error(`exit ${exitCode}: ${tail.trimEnd()}`);
  return stdout;
}

/**
 * Sends a part of the node (parts.ts) a signal. One that is killed is started again; one that is stopped says nothing
 * until it is continued.
 */
export async function killPart(
  { folder }: Pick<Cluster, "folder">,
  part: string,
  signal: "KILL" | "STOP" | "CONT" = "KILL",
): Promise<void> {
  const pid = (await readFile(join(folder, "parts", `${part}.pid`), "utf8")).trim();
  printed(await exec(await inNode(folder, "sh", ["-c", 'kill -"$1" "$2"', "sh", signal, pid])));
}

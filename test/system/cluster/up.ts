import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Arch } from "../../../builders/contract/variant.ts";
import { exec } from "../../../builders/host/exec.ts";
import { writeFileAtomic } from "../../../builders/host/files.ts";
import { ReleaseError } from "../../../controller/domain/errors.ts";
import { type ApiAccess, hasDefaultAccount, isApiReady, isNodeReady } from "./api.ts";
import { BASE_OBJECTS } from "./base-objects.ts";
import {
  type Cluster,
  clusterFolder,
  clusterOf,
  type Description,
  findCluster,
  inNode,
  kubectl,
  printed,
} from "./cluster.ts";
import { kubeconfig } from "./credentials.ts";
import { takeDown } from "./down.ts";
import { eventually } from "./eventually.ts";
import { IMAGES } from "./images.ts";
import { ensureKubebox } from "./kubebox.ts";
import { launchNode, openPort, startParts, startPolicies } from "./launch.ts";
import { layOut } from "./lay-out.ts";
import { ensureNodeRoot, type Watch } from "./node-root.ts";
import { ARCH_POLICY, archLabel, type ClusterNode, containerdSocket, FIRST_NODE, NODES, SECOND_NODE } from "./nodes.ts";
import { containerdOf, FIRST_PARTS, INSIDE, kubeletOf, SECOND_PARTS } from "./parts.ts";

const logOf = (folder: string, part: string): string => join(folder, "log", `${part}.log`);

/** @throws ReleaseError ToolMissing naming what this machine lacks */
async function checkMachine(): Promise<void> {
  const lacks = (what: string, remedy: string) =>
    new ReleaseError("ToolMissing", `a test cluster needs ${what}, this machine has it not`, remedy);
  if (process.arch !== "x64") throw lacks("an amd64 processor", "use another machine");
  if (process.getuid?.() !== 0) throw lacks("root rights for namespaces and mounts", "run it through sudo");
  if (!(await readFile("/proc/filesystems", "utf8")).split(/\s+/).includes("overlay")) {
    const loaded = await exec({ program: "modprobe", args: ["overlay"] }).catch(() => undefined); // no modprobe either
    if (loaded?.exitCode !== 0) throw lacks("the file system overlay", "use a kernel with CONFIG_OVERLAY_FS");
  }
}

export type UpOptions = {
  /** leave everything as it is if the cluster does not come up */
  readonly keep?: boolean;
  /** enforce NetworkPolicies (policy-rules.ts) */
  readonly policies?: boolean;
  /** a second node, which says that it is of this architecture */
  readonly secondNode?: Arch;
};

/** Starts a node's containerd and gives it its images. */
async function startContainerd(folder: string, node: ClusterNode, signal: AbortSignal): Promise<void> {
  const part = containerdOf(node);
  await startParts(folder, [part]);
  const address = ["--address", containerdSocket(node), "--namespace", "k8s.io"];
  const ctr = async (...args: string[]) => exec(await inNode(folder, "ctr", [...address, ...args]));
  const waiting = { seconds: 60, log: logOf(folder, part.name), signal };
  await eventually("containerd answers", waiting, async () => (await ctr("version")).exitCode === 0);
  printed(await ctr("images", "import", "--base-name", IMAGES, `${INSIDE}/images.tar`));
}

async function joinNode(
  folder: string,
  node: ClusterNode,
  labels: readonly string[],
  access: ApiAccess,
  { say, signal }: Watch,
): Promise<void> {
  const part = kubeletOf(node, labels);
  await startParts(folder, [part]);
  const waiting = { seconds: 90, log: logOf(folder, part.name), signal };
  await eventually(`${node.name} is ready`, waiting, () => isNodeReady(access, node.name));
  say(`${node.name} is ready`);
}

/** Starts everything in a folder that is laid out, and whose nodes' namespaces are there. */
async function startAll(cluster: Cluster, access: ApiAccess, watch: Watch, options: UpOptions): Promise<void> {
  const { folder } = cluster;
  const { say, signal } = watch;
  const { policies = false, secondNode } = options;
  const soon = (part: string) => ({ seconds: 90, log: logOf(folder, part), signal });
  const nodes = secondNode === undefined ? [FIRST_NODE] : NODES;
  await startParts(folder, FIRST_PARTS);
  await Promise.all([
    ...nodes.map((node) => startContainerd(folder, node, signal)),
    eventually("the API server is ready", soon("kube-apiserver"), () => isApiReady(access)),
  ]);
  say("the API server is ready");
  await startParts(folder, SECOND_PARTS);
  const create = async (list: object) => printed(await kubectl(cluster, ["create", "-f", "-"], JSON.stringify(list)));
  await create(BASE_OBJECTS);
  await joinNode(folder, FIRST_NODE, [], access, watch);
  if (secondNode !== undefined) {
    await create(ARCH_POLICY);
    await joinNode(folder, SECOND_NODE, [archLabel(secondNode)], access, watch);
  }
  if (policies) await startPolicies(folder, signal);
  await eventually("there is a default account", soon("kube-controller-manager"), () => hasDefaultAccount(access));
}

async function bringUpIn(folder: string, name: string, watch: Watch, options: UpOptions): Promise<Cluster> {
  const { signal } = watch;
  const root = await ensureNodeRoot(watch);
  const bin = await ensureKubebox(root, watch);
  const token = await layOut(folder, root, bin, signal);
  await launchNode(folder, name, root, bin, signal);
  const [apiPort, registryPort] = [await openPort(root, folder, "api"), await openPort(root, folder, "registry")];
  const ca = await readFile(join(folder, "keys/ca.crt"), "utf8");
  const description: Description = { apiPort, registryPort, bin, root };
  const cluster = clusterOf(name, folder, description);
  await writeFile(cluster.kubeconfig, kubeconfig(`https://127.0.0.1:${apiPort}`, ca, token), { mode: 0o600 });
  await startAll(cluster, { port: apiPort, ca, token }, watch, options);
  await writeFileAtomic(join(folder, "cluster.json"), JSON.stringify(description));
  return cluster;
}

/**
 * Brings a cluster up, or finds the one of this name that is up. What is missing is built first. If it fails nothing is
 * left.
 * @throws ReleaseError Usage (a name that none can have, or one that is taken by something half made), ToolMissing,
 * BuildFailed; BuildError if the node's root cannot be made
 */
export async function bringUp(name: string, watch: Watch, options: UpOptions = {}): Promise<Cluster> {
  const folder = clusterFolder(name);
  await checkMachine();
  const found = await findCluster(name);
  if (found !== undefined) return found;
  await mkdir(dirname(folder), { recursive: true });
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    const remedy = `if it is not being started now, remove it: npm run cluster:down -- --name ${name}`;
    throw new ReleaseError("Usage", `the cluster '${name}' is half made: ${folder} is there`, remedy);
  });
  try {
    return await bringUpIn(folder, name, watch, options);
  } catch (error) {
    if (options.keep !== true) await takeDown(name, AbortSignal.timeout(60_000));
    throw error;
  }
}

import { chmod, copyFile, mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Command, exec, PLAIN_ENV } from "../../../builders/host/exec.ts";
import { ReleaseError } from "../../../controller/domain/errors.ts";
import { freePort } from "../../docker-registry.ts";
import { onHost } from "../../toolbox.ts";
import { type ApiAccess, hasDefaultAccount, isApiReady, isNodeReady } from "./api.ts";
import { BASE_OBJECTS, VOLUME_NAMES, volumeFolder } from "./base-objects.ts";
import { makeGroups } from "./cgroups.ts";
import {
  type Cluster,
  clusterFolder,
  clusterOf,
  type Description,
  findCluster,
  initOf,
  inNode,
  kubectl,
  markOf,
  printed,
} from "./cluster.ts";
import { type ClusterUser, kubeconfig, makeCredentials } from "./credentials.ts";
import { takeDown } from "./down.ts";
import { eventually } from "./eventually.ts";
import { IMAGES, makeImages } from "./images.ts";
import { ensureKubebox } from "./kubebox.ts";
import { CNI_PLUGINS, NODE_FILES } from "./node-files.ts";
import { ensureNodeRoot, type Watch } from "./node-root.ts";
import { API_ADDRESS, FIRST_PARTS, INSIDE, type Part, SECOND_PARTS } from "./parts.ts";

const HERE = import.meta.dirname;

/** @throws ReleaseError ToolMissing naming what this machine lacks */
async function checkMachine(): Promise<void> {
  const lacks = (what: string, remedy: string) =>
    new ReleaseError("ToolMissing", `a test cluster needs ${what}, this machine has it not`, remedy);
  if (process.arch !== "x64") throw lacks("an amd64 processor", "use another machine");
  if (process.getuid?.() !== 0) throw lacks("root rights for namespaces and mounts", "run it through sudo");
  if (!(await readFile("/proc/filesystems", "utf8")).split(/\s+/).includes("overlay")) {
    const { exitCode } = await exec({ program: "modprobe", args: ["overlay"] });
    if (exitCode !== 0) throw lacks("the file system overlay", "use a kernel with CONFIG_OVERLAY_FS");
  }
}

/** Everything in the cluster's folder that does not change once the node runs; the token of its admin. */
async function layOut(folder: string, root: string, bin: string, signal: AbortSignal): Promise<string> {
  for (const part of ["cni", "etc", "lib", "log", "parts"]) await mkdir(join(folder, part));
  for (const name of VOLUME_NAMES) await mkdir(join(folder, "lib", volumeFolder(name)), { recursive: true });
  await symlink(bin, join(folder, "bin"));
  for (const script of ["init.sh", "network.sh"]) await copyFile(join(HERE, script), join(folder, script));
  await copyFile(join(HERE, "nowhere.sh"), join(folder, "cni/nowhere"));
  await chmod(join(folder, "cni/nowhere"), 0o755);
  for (const [plugin, program] of CNI_PLUGINS) await symlink(program, join(folder, "cni", plugin));
  for (const [path, text] of Object.entries(NODE_FILES)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const [tokens] = await Promise.all([makeCredentials(join(folder, "keys")), makeImages(root, folder, signal)]);
  const ca = await readFile(join(folder, "keys/ca.crt"), "utf8");
  for (const [user, token] of Object.entries(tokens) as [ClusterUser, string][]) {
    const text = kubeconfig(`https://${API_ADDRESS}`, ca, token);
    await writeFile(join(folder, "etc", `${user}.kubeconfig`), text, { mode: 0o600 });
  }
  return tokens.admin;
}

/** Has node.sh start parts. */
async function start(folder: string, parts: readonly Part[]): Promise<void> {
  for (const { name, program, args } of parts) {
    await writeFile(join(folder, "parts", name), [program, ...args, ""].join("\n"));
    await writeFile(join(folder, "start"), `${name}\n`);
  }
}

/** Starts a program of this machine that outlives this process and ends with the cluster. */
async function detach(folder: string, name: string, { program, args }: Command): Promise<void> {
  const script = 'log=$1; shift; exec setsid --fork "$@" >"$log" 2>&1 </dev/null';
  const env = { ...PLAIN_ENV, ...markOf(folder) };
  const log = join(folder, "log", `${name}.log`);
  printed(await exec({ program: "sh", args: ["-c", script, "sh", log, program, ...args], env }));
}

/** A port of this machine's loopback that leads to a socket in the cluster's folder. */
async function openPort(root: string, folder: string, name: string): Promise<number> {
  const port = await freePort();
  const listen = `TCP-LISTEN:${port},bind=127.0.0.1,fork,backlog=128,nodelay`;
  const connect = `UNIX-CONNECT:${join(folder, `${name}.sock`)}`;
  await detach(folder, `port-${name}`, onHost(root, "socat", [listen, connect]));
  return port;
}

/** Enforces NetworkPolicies from now on; no pod has network before. */
async function startPolicies(folder: string, signal: AbortSignal): Promise<void> {
  await detach(folder, "policies", { program: process.execPath, args: [join(HERE, "policy-engine.ts"), folder] });
  const list = await inNode(folder, "nft", ["list", "table", "inet", "pods"]);
  const log = join(folder, "log/policies.log");
  await eventually(
    "policies are in force",
    { seconds: 30, log, signal },
    async () => (await exec(list)).exitCode === 0,
  );
}

async function startNode(folder: string, name: string, root: string, bin: string, signal: AbortSignal): Promise<void> {
  await writeFile(join(folder, "cgroups"), await makeGroups(name));
  const env = { ...PLAIN_ENV, ...markOf(folder) };
  printed(await exec({ program: "sh", args: [join(HERE, "launch.sh"), folder, root, bin, "node"], env }));
  const log = join(folder, "log/node.log");
  await eventually("the node has started", { seconds: 20, log, signal }, () => initOf(folder));
}

async function importImages(folder: string, signal: AbortSignal): Promise<void> {
  const ctr = async (...args: string[]) => exec(await inNode(folder, "ctr", ["--namespace", "k8s.io", ...args]));
  const answers = async () => (await ctr("version")).exitCode === 0;
  await eventually("containerd answers", { seconds: 60, log: join(folder, "log/containerd.log"), signal }, answers);
  printed(await ctr("images", "import", "--base-name", IMAGES, `${INSIDE}/images.tar`));
}

async function bringUpIn(
  folder: string,
  name: string,
  { say, signal }: Watch,
  policies: boolean,
  [root, bin]: readonly [string, string],
): Promise<Cluster> {
  const soon = (part: string) => ({ seconds: 90, log: join(folder, "log", `${part}.log`), signal });
  const token = await layOut(folder, root, bin, signal);
  await startNode(folder, name, root, bin, signal);
  await start(folder, FIRST_PARTS);
  const imported = importImages(folder, signal);
  imported.catch(() => undefined); // seen below
  const ca = await readFile(join(folder, "keys/ca.crt"), "utf8");
  const access: ApiAccess = { port: await openPort(root, folder, "api"), ca, token };
  await eventually("the API server is ready", soon("kube-apiserver"), () => isApiReady(access));
  say("the API server is ready");
  await imported;
  await start(folder, SECOND_PARTS);
  const registryPort = await openPort(root, folder, "registry");
  const description: Description = { apiPort: access.port, registryPort, bin, root };
  const cluster = clusterOf(name, folder, description);
  await writeFile(cluster.kubeconfig, kubeconfig(`https://127.0.0.1:${access.port}`, ca, token), { mode: 0o600 });
  printed(await kubectl(cluster, ["create", "-f", "-"], JSON.stringify(BASE_OBJECTS)));
  await eventually("the node is ready", soon("kubelet"), () => isNodeReady(access));
  say("the node is ready");
  if (policies) await startPolicies(folder, signal);
  await eventually("there is a default account", soon("kube-controller-manager"), () => hasDefaultAccount(access));
  await writeFile(join(folder, "cluster.json.new"), JSON.stringify(description));
  await rename(join(folder, "cluster.json.new"), join(folder, "cluster.json"));
  return cluster;
}

export type UpOptions = {
  /** leave everything as it is if the cluster does not come up */
  readonly keep?: boolean;
  /** enforce NetworkPolicies (policy-rules.ts) */
  readonly policies?: boolean;
};

/**
 * Brings a cluster up, or finds the one of this name that is up. What is missing is built first. If it fails nothing is
 * left.
 * @throws ReleaseError Usage (a name that none can have, or one that is taken by something half made), ToolMissing,
 * BuildFailed; BuildError if the node's root cannot be made
 */
export async function bringUp(name: string, watch: Watch, options: UpOptions = {}): Promise<Cluster> {
  const { keep = false, policies = false } = options;
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
    const root = await ensureNodeRoot(watch);
    const bin = await ensureKubebox(root, watch);
    return await bringUpIn(folder, name, watch, policies, [root, bin]);
  } catch (error) {
    if (!keep) await takeDown(name, AbortSignal.timeout(60_000));
    throw error;
  }
}

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Command, exec, PLAIN_ENV } from "../../../builders/host/exec.ts";
import { freePort } from "../../docker-registry.ts";
import { onHost } from "../../toolbox.ts";
import { makeGroups } from "./cgroups.ts";
import { initOf, inNode, markOf, printed } from "./cluster.ts";
import { eventually } from "./eventually.ts";
import type { Part } from "./parts.ts";

const HERE = import.meta.dirname;

/** Has init.sh start parts. */
export async function startParts(folder: string, parts: readonly Part[]): Promise<void> {
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
export async function openPort(root: string, folder: string, name: string): Promise<number> {
  const port = await freePort();
  const listen = `TCP-LISTEN:${port},bind=127.0.0.1,fork,backlog=128,nodelay`;
  const connect = `UNIX-CONNECT:${join(folder, `${name}.sock`)}`;
  await detach(folder, `port-${name}`, onHost(root, "socat", [listen, connect]));
  return port;
}

/** Enforces NetworkPolicies from now on; no pod has network before. */
export async function startPolicies(folder: string, signal: AbortSignal): Promise<void> {
  await detach(folder, "policies", { program: process.execPath, args: [join(HERE, "policy-engine.ts"), folder] });
  const list = await inNode(folder, "nft", ["list", "table", "inet", "pods"]);
  const log = join(folder, "log/policies.log");
  await eventually(
    "policies are in force",
    { seconds: 30, log, signal },
    async () => (await exec(list)).exitCode === 0,
  );
}

/** Starts the namespaces of a cluster's nodes, with nothing in them yet. */
export async function launchNode(
  folder: string,
  name: string,
  root: string,
  bin: string,
  signal: AbortSignal,
): Promise<void> {
  await writeFile(join(folder, "cgroups"), await makeGroups(name));
  const env = { ...PLAIN_ENV, ...markOf(folder) };
  printed(await exec({ program: "sh", args: [join(HERE, "launch.sh"), folder, root, bin, "node"], env }));
  const log = join(folder, "log/node.log");
  await eventually("the node has started", { seconds: 20, log, signal }, () => initOf(folder));
}

import { type Cluster, kubectl } from "./cluster.ts";
import { eventually } from "./eventually.ts";
import { create, jobOf, type JobShape, runJob } from "./jobs.ts";

/** The node's own servers as pods may know them: API server, API server as a Service, registry. */
export const NODE_SERVERS = ["10.244.0.1 443", "10.96.0.1 443", "10.244.0.1 5000"] as const;

/** A pod that takes connections on port 7000 of every address it has, and those of its interface. */
export async function startListener(cluster: Cluster, name: string, pod: object = {}) {
  const script = "ip -o address show dev eth0; nc -ll -p 7000 -e true";
  await create(cluster, jobOf({ name, pod, script }));
  const log = await eventually(`${name} runs`, { seconds: 60 }, async () => {
    const { exitCode, stdout } = await kubectl(cluster, ["logs", `job/${name}`]);
    return exitCode === 0 && stdout.includes("inet ") ? stdout : undefined;
  });
  return {
    address: /inet ([0-9.]+)/.exec(log)?.[1] ?? "",
    linkLocal: /inet6 (fe80:[0-9a-f:]+)/.exec(log)?.[1] ?? "",
  };
}

/** Shell commands that say for each target, `ADDRESS PORT`, whether something takes a connection there. */
export const probing = (targets: readonly string[]): string =>
  targets
    .map((target) => `nc -w 3 ${target} -e true 2>/dev/null && echo "${target}: yes" || echo "${target}: no"`)
    .join("; ");

/** Those of `targets` that a pod reaches once it reaches the first of them; it is given half a minute for that. */
export async function reached(cluster: Cluster, shape: Omit<JobShape, "script">, targets: readonly string[]) {
  const first = `for i in $(seq 60); do nc -w 1 ${targets[0]} -e true 2>/dev/null && break; sleep 0.5; done`;
  const { log } = await runJob(cluster, { ...shape, script: `${first}; ${probing(targets)}` });
  return targets.filter((target) => log.split("\n").includes(`${target}: yes`));
}

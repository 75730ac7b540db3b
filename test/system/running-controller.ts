import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { exec, type Outcome } from "../../builders/host/exec.ts";
import { IMGREL_ENV, PROJECT } from "../imgrel.ts";
import type { Cluster } from "./cluster/cluster.ts";
import type { ControllerRoom } from "./controller-room.ts";
import type { SimulatedControllerSettings } from "./simulated-controller.ts";

/** A controller that runs as a process of its own. */
export type RunningController = {
  readonly log: string;
  /** its process ID, once it has one */
  readonly pid: Promise<number>;
  readonly kill: (signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT") => Promise<void>;
  readonly ended: Promise<Outcome>;
};

/**
 * Starts a script that runs a controller (run-as-process.ts).
 * @param script its path in the project
 * @param signal kills it at the latest
 */
export function startControllerScript(
  script: string,
  settings: { readonly log: string },
  signal: AbortSignal,
): RunningController {
  const pid = Promise.withResolvers<number>();
  const ended = exec({
    program: process.execPath,
    args: [script, JSON.stringify(settings)],
    ...{ cwd: PROJECT, env: IMGREL_ENV, signal },
    onLine: (line, stream) => {
      if (stream === "stdout") pid.resolve(Number(line));
    },
  });
  ended.then(({ tail }) => pid.reject(new Error(`the controller has ended: ${tail}`)), pid.reject);
  pid.promise.catch(() => undefined); // whoever asks is told
  const kill: RunningController["kill"] = async (name) => void process.kill(await pid.promise, name);
  return { log: settings.log, pid: pid.promise, kill, ended };
}

/**
 * Starts a controller for a room, which simulates what it does to releases.
 * @param server base address of the API server, if not its own
 * @param signal kills it at the latest
 */
export async function startControllerProcess(
  room: ControllerRoom,
  { kubeconfig }: Pick<Cluster, "kubeconfig">,
  { effects, server }: { readonly effects: string; readonly server?: URL },
  signal: AbortSignal,
): Promise<RunningController> {
  const settings: SimulatedControllerSettings = {
    ...{ kubeconfig, log: room.newLog(), effects, namespace: room.namespace },
    scratch: await mkdtemp(join(room.folder, "scratch-")), // a pod's own, and gone with it
    ...(server === undefined ? {} : { server: server.href }),
  };
  return startControllerScript("test/system/simulated-controller.ts", settings, signal);
}

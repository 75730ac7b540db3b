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
 * Starts a controller for a room.
 * @param server base address of the API server, if not its own
 * @param signal kills it at the latest
 */
export async function startControllerProcess(
  room: ControllerRoom,
  { kubeconfig }: Pick<Cluster, "kubeconfig">,
  { effects, server }: { readonly effects: string; readonly server?: URL },
  signal: AbortSignal,
): Promise<RunningController> {
  const log = room.newLog();
  const settings: SimulatedControllerSettings = {
    ...{ kubeconfig, log, effects, namespace: room.namespace },
    scratch: await mkdtemp(join(room.folder, "scratch-")), // a pod's own, and gone with it
    ...(server === undefined ? {} : { server: server.href }),
  };
  const pid = Promise.withResolvers<number>();
  const ended = exec({
    program: process.execPath,
    args: ["test/system/simulated-controller.ts", JSON.stringify(settings)],
    ...{ cwd: PROJECT, env: IMGREL_ENV, signal },
    onLine: (line, stream) => {
      if (stream === "stdout") pid.resolve(Number(line));
    },
  });
  ended.then(({ tail }) => pid.reject(new Error(`the controller has ended: ${tail}`)), pid.reject);
  pid.promise.catch(() => undefined); // whoever asks is told
  return { log, pid: pid.promise, kill: async (name) => void process.kill(await pid.promise, name), ended };
}

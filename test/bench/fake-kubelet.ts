import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../../controller/adapters/kubernetes/api-client.ts";
import { createReflector } from "../../controller/adapters/kubernetes/reflector.ts";
import { PODS } from "../../controller/adapters/kubernetes/resource.ts";
import { systemClock } from "../../controller/adapters/system-clock.ts";
import { ReleaseError } from "../../controller/domain/errors.ts";
import { ALL_OBJECTS } from "../../controller/domain/jobs/object-labels.ts";
import { silentLogger } from "../../controller/ports/logger.ts";
import { silentMetrics } from "../fakes/silent-metrics.ts";

type Pod = { readonly name: string; readonly containers: readonly string[]; readonly labels: Labels };
type Labels = Readonly<Record<string, string>>;

/** Milliseconds for which a pod is at work. */
const AT_WORK = 2000;

/** Seconds are all that the API server keeps of a time. */
const timeOf = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z");

/**
 * Plays the kubelet for the pods of Jobs in a namespace, which no scheduler finds a node for: each runs for two seconds,
 * and ends well with what `said` knows of it. Pods are of the cluster's own Job controller; it alone ends the Jobs.
 * @param said what a pod with these labels says at its end
 */
export async function fakeKubelet(
  client: ApiClient,
  namespace: string,
  said: (labels: Labels) => Promise<object>,
  signal: AbortSignal,
): Promise<void> {
  const failed = Promise.withResolvers<never>();
  const show = (name: string, status: object): Promise<unknown> =>
    client.patch({ resource: PODS, namespace, name }, { status }, { subresource: "status" }, signal);

  async function play({ name, containers, labels }: Pod): Promise<void> {
    const began = Date.now();
    const states = (ready: boolean, state: object) =>
      containers.map((container) => ({
        ...{ name: container, image: "none", imageID: "", restartCount: 0, ready, started: ready, state },
      }));
    const startTime = timeOf(began);
    const running = states(true, { running: { startedAt: startTime } });
    await show(name, { phase: "Running", startTime, containerStatuses: running });
    await sleep(AT_WORK, undefined, { signal });
    const message = JSON.stringify(await said(labels));
    const times = { startedAt: startTime, finishedAt: timeOf(Date.now()) };
    const ended = states(false, { terminated: { exitCode: 0, reason: "Completed", message, ...times } });
    await show(name, { phase: "Succeeded", containerStatuses: ended });
  }

  const reflector = createReflector({
    ...{ client, of: { resource: PODS, namespace, labelSelector: ALL_OBJECTS }, clock: systemClock },
    ...{ random: Math.random, log: silentLogger, metrics: silentMetrics },
    keep: ({ metadata: { name, labels = {} }, ...rest }): Pod => {
      const { containers } = rest["spec"] as { readonly containers: readonly { readonly name: string }[] };
      return { name, labels, containers: containers.map((one) => one.name) };
    },
    onChange: ({ before, after }) => {
      if (before !== undefined || after === undefined) return;
      play(after).catch((fault: unknown) => {
        const isGone = fault instanceof ReleaseError && fault.code === "NotFound"; // deleted while it was at work
        if (!signal.aborted && !isGone) failed.reject(fault);
      });
    },
  });
  await Promise.race([reflector.run(signal), failed.promise]);
}

import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { createApiClient } from "../../controller/adapters/kubernetes/api-client.ts";
import { jobAttempts } from "../../controller/adapters/kubernetes/attempts.ts";
import { clusterJobs } from "../../controller/adapters/kubernetes/cluster-jobs.ts";
import type { ApiConnection } from "../../controller/adapters/kubernetes/connection.ts";
import { jobNews } from "../../controller/adapters/kubernetes/job-news.ts";
import { releaseHold } from "../../controller/adapters/kubernetes/release-hold.ts";
import { systemClock } from "../../controller/adapters/system-clock.ts";
import type { Action } from "../../controller/domain/action.ts";
import { containerRights, jobAround, podBase, podRights } from "../../controller/domain/jobs/job-frame.ts";
import type { JobRef } from "../../controller/domain/jobs/object-names.ts";
import { silentLogger } from "../../controller/ports/logger.ts";
import { demoJobContext } from "../fakes/job-context.ts";
import { silentMetrics } from "../fakes/silent-metrics.ts";

/** A pod that goes on until a file is there, and ends with an exit code when it is told to end. */
const SCRIPT = "trap 'exit 143' TERM; until [ -e /tmp/go ]; do sleep 0.2; done; echo {} > /dev/termination-log";

/**
 * The builds of a simulated release as real Jobs in its own namespace, which end when they are told to. The release is
 * held before the first.
 * @param release name and uid
 */
export function realBuilds(
  connection: ApiConnection,
  release: { readonly name: string; readonly uid: string },
  signal: AbortSignal,
): (action: Action, limit: AbortSignal) => Promise<void> {
  const { namespace } = connection;
  const client = createApiClient(connection);
  const news = { client, clock: systemClock, random: Math.random, log: silentLogger, metrics: silentMetrics, signal };
  const demo = demoJobContext({ namespace, serviceAccountName: "default", maxResources: {} });
  const context = { ...demo, identity: { ...demo.identity, release: release.name } };
  const { settings } = context;
  const { complete } = jobAttempts({
    ...{ cluster: clusterJobs(client, jobNews(news)), context, report: () => undefined, onJob: () => undefined },
    ...{ now: Date.now, random: Math.random },
    pause: (milliseconds, limit) => sleep(milliseconds, undefined, { signal: limit }),
  });
  return async (action, limit) => {
    if (action.kind !== "build") return;
    const ref: JobRef = { step: "build", arch: action.arch, run: action.run };
    await releaseHold(client).hold({ namespace, ...release }, limit);
    const manifest = (attempt: number) =>
      jobAround(context, ref, { attempt, deadlineSeconds: 900 }, "a real build", {
        ...podBase(settings, action.arch),
        ...{ dnsPolicy: "Default", securityContext: podRights(0), volumes: [{ name: "tmp", emptyDir: {} }] },
        containers: [
          {
            ...{ name: "build", image: "localhost/busybox:1", command: ["sh", "-c", SCRIPT], env: [], resources: {} },
            securityContext: containerRights(),
            volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
            terminationMessagePolicy: "File",
          },
        ],
      });
    await complete({ ref, message: z.strictObject({}), policy: settings, manifest }, `build ${action.run}`, limit);
  };
}

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { type HttpListener } from "./adapters/http-listener.ts";
import { serveProbes } from "./adapters/http-server.ts";
import { createApiClient, type ApiClient } from "./adapters/kubernetes/api-client.ts";
import type { Call } from "./adapters/kubernetes/api-fault.ts";
import type { ApiConnection } from "./adapters/kubernetes/connection.ts";
import { createEventRecorder } from "./adapters/kubernetes/event-recorder.ts";
import { connectInCluster, isInCluster } from "./adapters/kubernetes/in-cluster.ts";
import { connectByKubeconfig } from "./adapters/kubernetes/kubeconfig.ts";
import { clusterLease } from "./adapters/kubernetes/lease-store.ts";
import { objectData } from "./adapters/kubernetes/object-data.ts";
import { openedRepositories } from "./adapters/kubernetes/opened-repositories.ts";
import { requestReconcile } from "./adapters/kubernetes/reconcile-request.ts";
import { createReflector, type Reflector } from "./adapters/kubernetes/reflector.ts";
import { CLASSES, RELEASES, SOURCES } from "./adapters/kubernetes/release-kinds.ts";
import { releaseStore } from "./adapters/kubernetes/release-store.ts";
import { type Resource, ruleName } from "./adapters/kubernetes/resource.ts";
import { statusWriter } from "./adapters/kubernetes/status-writer.ts";
import { privateTexts } from "./adapters/local/private-texts.ts";
import { serveNudges } from "./adapters/nudge-server.ts";
import { createPrometheusMetrics } from "./adapters/prometheus-metrics.ts";
import { systemClock } from "./adapters/system-clock.ts";
import {
  type Changed,
  endsWork,
  isNewsOfRelease,
  isNewsOfSource,
  keyOf,
  releasesOfClass,
  releasesOfSource,
} from "./domain/changed-keys.ts";
import {
  type ClusterRelease,
  type ClusterClass,
  readClusterClass,
  readClusterRelease,
  readClusterSource,
} from "./domain/cluster-objects.ts";
import { ReleaseError } from "./domain/errors.ts";
import { type Health, liveness, readiness } from "./domain/health.ts";
import { LEASE_TIMES } from "./domain/lease.ts";
import { keptRelease } from "./domain/settled-release.ts";
import type { ControllerMetrics } from "./ports/controller-metrics.ts";
import type { Logger } from "./ports/logger.ts";
import type { NudgeHooks } from "./ports/nudge-hooks.ts";
import type { ObjectCache } from "./ports/object-cache.ts";
import { bothLoops } from "./reconciler/both-loops.ts";
import { createInterrupts } from "./reconciler/cluster/interrupts.ts";
import { measuredWork } from "./reconciler/cluster/measured-work.ts";
import { reconcileRelease } from "./reconciler/cluster/reconcile-release.ts";
import type { ReleaseOpener } from "./reconciler/cluster/release-opener.ts";
import { reconcileSource } from "./reconciler/cluster/reconcile-source.ts";
import { sourceNudges } from "./reconciler/cluster/source-nudges.ts";
import { sweepRegularly } from "./reconciler/cluster/sweep-regularly.ts";
import type { Term } from "./reconciler/leader-term.ts";
import { createLoop } from "./reconciler/loop.ts";
import { runController } from "./reconciler/run-controller.ts";
import { createTurns, type Turns } from "./reconciler/turns.ts";

/**
 * The API server to speak with: that of the pod's own cluster, or of a kubeconfig file.
 * @throws ReleaseError InputMissing if there is neither
 */
export async function connectCluster(
  env: Readonly<Record<string, string | undefined>>,
  kubeconfig: string | undefined,
): Promise<ApiConnection> {
  if (kubeconfig !== undefined) return connectByKubeconfig(kubeconfig);
  if (isInCluster(env)) return connectInCluster({ env, clock: systemClock });
  throw new ReleaseError(
    "InputMissing",
    "this is no pod, and no kubeconfig was given",
    "name a kubeconfig file, or run in a pod that has its service account's token",
  );
}

/** How many releases are in each phase. */
function countPhases(releases: Iterable<ClusterRelease>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { status } of releases) {
    const phase = status.phase ?? "Pending";
    counts.set(phase, (counts.get(phase) ?? 0) + 1);
  }
  return counts;
}

/** Sources and releases that are worked on at once, at most; classes set their own quotas. */
const CONCURRENCY = { sources: 4, releases: 1000 } as const;

/** Milliseconds for which work may go on after the controller was told to stop. */
export const DRAIN_LIMIT = 20_000;

/** The cluster as those see it who work on releases. */
export type ClusterView = {
  readonly client: ApiClient;
  readonly repositories: ReturnType<typeof openedRepositories>;
  readonly data: ReturnType<typeof objectData>;
  readonly log: Logger;
  readonly metrics: ControllerMetrics;
  /** fires once nothing is to be followed any more */
  readonly ended: AbortSignal;
  /** whether this process leads, and the number of its term */
  readonly term: () => Term | undefined;
};

/** What a controller that runs says of itself, and what it may be asked. */
export type RunningController = {
  readonly livez: () => Health;
  readonly readyz: () => Health;
  readonly nudges: NudgeHooks;
};

export type ClusterControllerOptions = {
  readonly connection: ApiConnection;
  readonly log: Logger;
  readonly metrics: ControllerMetrics;
  /** absolute path of the folder for mirrors and private files */
  readonly scratch: string;
  /** what the work on a release needs from outside */
  readonly opener: (view: ClusterView) => ReleaseOpener;
  /** told once; nothing is done before it resolves */
  readonly onStart?: (running: RunningController) => Promise<void>;
};

/**
 * The controller of one namespace: follows sources, classes and releases, and works on them as long as it leads.
 * @throws ReleaseError LeaseLost if another process may lead now
 */
export async function runClusterController(options: ClusterControllerOptions, signal: AbortSignal): Promise<void> {
  const { connection, log, metrics, scratch } = options;
  const { namespace } = connection;
  const onCall = ({ verb, place }: Call): void => metrics.apiCalled(verb, ruleName(place));
  const client = createApiClient(connection, { onCall });
  const clock = systemClock;
  const random = Math.random;
  let term: Term | undefined;
  let answered = Number.NEGATIVE_INFINITY;

  const follow = <T>(resource: Resource, read: (object: unknown) => T, onChange: (changed: Changed<T>) => void) => {
    const keep = (object: unknown): T | undefined => {
      try {
        return read(object);
      } catch (fault) {
        log.error("an object cannot be read", { kind: resource.kind, object, fault });
        return undefined;
      }
    };
    return createReflector<T | undefined>({
      ...{ client, of: { resource, namespace }, keep, clock, random, log, metrics },
      onChange: ({ before, after }) => onChange({ before, after }),
    });
  };
  /** The objects that could be read. */
  const readable = <T>({ cache }: Reflector<T | undefined>): Pick<ObjectCache<T>, "get" | "values"> => ({
    get: cache.get,
    values: function* () {
      for (const one of cache.values()) if (one !== undefined) yield one;
    },
  });

  const stopReflectors = new AbortController();
  const interrupts = createInterrupts();
  /** of each class, by its key; the limits are those that the class has at the moment */
  const turns = new Map<string, { readonly releases: Turns; readonly builds: Turns }>();
  const turnsOf = (ofClass: ClusterClass) => {
    const key = keyOf(ofClass);
    const quotas = () => classes.get(key)?.spec.quotas ?? { maxConcurrentReleases: 0, maxConcurrentBuilds: 0 };
    const known = turns.get(key) ?? {
      releases: createTurns(() => quotas().maxConcurrentReleases),
      builds: createTurns(() => quotas().maxConcurrentBuilds),
    };
    turns.set(key, known);
    return known;
  };
  const sourcesReflector = follow(SOURCES, readClusterSource, (changed) => {
    const { before, after } = changed;
    const one = after ?? before;
    if (one !== undefined && isNewsOfSource(changed)) sourceLoop.queue.add(keyOf(one));
    for (const key of releasesOfSource(changed, releases.values())) releaseLoop.queue.add(key);
  });
  const classesReflector = follow(CLASSES, readClusterClass, (changed) => {
    for (const key of releasesOfClass(changed, releases.values())) releaseLoop.queue.add(key);
    const one = changed.after ?? changed.before;
    const waiting = one === undefined ? undefined : turns.get(keyOf(one));
    waiting?.releases.changed();
    waiting?.builds.changed();
  });
  const releasesReflector = follow(
    RELEASES,
    (object) => keptRelease(readClusterRelease(object)),
    (changed) => {
      const one = changed.after ?? changed.before;
      if (one === undefined || !isNewsOfRelease(changed)) return;
      if (endsWork(changed)) interrupts.interrupt(keyOf(one), "the release was deleted or suspended");
      releaseLoop.queue.add(keyOf(one));
    },
  );
  const [sources, classes, releases] = [
    readable(sourcesReflector),
    readable(classesReflector),
    readable(releasesReflector),
  ];

  const texts = privateTexts(join(scratch, "private"));
  const data = objectData(client, namespace, clock);
  const repositories = openedRepositories(data, texts, join(scratch, "mirrors"), {
    onPush: metrics.pushed,
    onUntidy: (fault) => log.warn("packs of a mirror could not be joined", { fault }),
  });
  const instance = `${hostname()}-${randomUUID().slice(0, 8)}`;
  const events = createEventRecorder({ client, clock, log, instance });
  const opened = options.opener({
    ...{ client, repositories, data, log, metrics },
    ...{ term: () => term, ended: stopReflectors.signal },
  });
  const opener: ReleaseOpener = {
    ...opened,
    work: async (open, ...rest) => {
      const signing = open.class.spec.signing.mode;
      return measuredWork(await opened.work(open, ...rest), { metrics, clock, signing });
    },
  };
  // both queues are shown as one
  const loopOptions = { clock, log, metrics: { ...metrics, showQueue: () => undefined }, random };
  const sourceLoop = createLoop({
    ...{ ...loopOptions, concurrency: CONCURRENCY.sources },
    reconcile: (key, stop) =>
      reconcileSource(
        {
          ...{ sources, clock, random, status: statusWriter(client, SOURCES) },
          open: async (source, limit) => {
            const { specs, signatureOf, allowedSigners, read } = await repositories.open(source, limit);
            const { name, spec } = source;
            const { url: repository, path, allowedClasses } = spec;
            return {
              ...{ specs, read, commits: { signatureOf }, releases: releaseStore(client, releases, namespace) },
              followed: { name, namespace, repository, path, allowedClasses, allowedSigners },
            };
          },
        },
        key,
        stop,
      ),
  });
  const releaseLoop = createLoop({
    ...{ ...loopOptions, concurrency: CONCURRENCY.releases },
    reconcile: (key, stop) =>
      interrupts.during(key, stop, (limit) =>
        reconcileRelease(
          {
            ...{ releases, classes, sources, opener, events, clock },
            status: statusWriter(client, RELEASES),
            ...{ isLeader: () => term?.isLeader() ?? false, turns: turnsOf },
          },
          key,
          limit,
        ),
      ),
  });

  const loop = bothLoops(sourceLoop, releaseLoop);
  metrics.showQueue(loop.figures);
  metrics.showLeader(() => term?.isLeader() ?? false);
  metrics.showReleases(() => countPhases(releases.values()));
  const reflectors = [sourcesReflector, classesReflector, releasesReflector];
  const caches = () =>
    new Map([
      ["sources", sourcesReflector.cache.hasSynced()],
      ["classes", classesReflector.cache.hasSynced()],
      ["releases", releasesReflector.cache.hasSynced()],
    ]);
  /** Looks at a source, or has the one look who leads. */
  const wake = (key: string): void => {
    if (term?.isLeader() === true) return sourceLoop.queue.add(key);
    const source = sources.get(key);
    if (source === undefined) return;
    requestReconcile(client, source, clock.now(), signal).catch((fault: unknown) =>
      log.warn("whoever leads could not be asked to look at a source", { source: source.name, fault }),
    );
  };
  await options.onStart?.({
    livez: () => liveness(term === undefined ? "standing by" : term.lost.aborted ? "lost" : "leading"),
    readyz: () => readiness(caches(), clock.monotonic() - answered),
    nudges: sourceNudges({
      ...{ sources, namespace, wake, clock, log },
      secret: (ref) => data.text("Secret", ref, "secret", signal),
    }),
  });
  const following = Promise.all(reflectors.map(({ run }) => run(stopReflectors.signal)));
  try {
    await runController(
      {
        election: {
          store: clusterLease(client, { namespace, name: "imgrel-controller" }, () => {
            answered = clock.monotonic();
          }),
          ...{ clock, identity: instance, times: LEASE_TIMES, log, random },
        },
        ...{ loop, log, drainLimit: DRAIN_LIMIT },
        synced: Promise.all(reflectors.map(({ synced }) => synced)).then(() => undefined),
        onTerm: (begun) => {
          term = begun;
          void sweepRegularly(
            { classes, releases, opener, clock, log, isLeader: begun.isLeader },
            stopReflectors.signal,
          );
          log.info("this process leads", { identity: instance, fence: begun.fence });
        },
      },
      signal,
    );
  } finally {
    stopReflectors.abort();
    await following;
    await events.settled();
  }
}

export type ServedController = Omit<ClusterControllerOptions, "metrics" | "onStart"> & {
  /** where probes and metrics are asked for (domain/listen-address.ts) */
  readonly listen: string;
  /** where webhooks are taken; undefined: nowhere */
  readonly webhookListen: string | undefined;
};

/**
 * The controller of one namespace with probes, metrics and webhooks, until the signal fires.
 * @throws ReleaseError Usage if it cannot listen; what {@link runClusterController} throws
 */
export async function serveController(options: ServedController, signal: AbortSignal): Promise<void> {
  const { listen, webhookListen, ...rest } = options;
  const metrics = createPrometheusMetrics();
  const servers: HttpListener[] = [];
  const serve = async (what: string, starting: Promise<HttpListener>): Promise<void> => {
    const server = await starting;
    servers.push(server);
    rest.log.info("listening", { what, host: server.host, port: server.port });
  };
  const onStart = async ({ livez, readyz, nudges }: RunningController): Promise<void> => {
    await serve("probes", serveProbes(listen, { livez, readyz, metrics: metrics.expose }));
    if (webhookListen !== undefined) await serve("webhooks", serveNudges(webhookListen, nudges));
  };
  try {
    await runClusterController({ ...rest, metrics, onStart }, signal);
  } finally {
    await Promise.all(servers.map(({ close }) => close()));
  }
}

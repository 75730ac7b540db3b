import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ControllerMetrics } from "../ports/controller-metrics.ts";

/** Seconds: 5 s to 4 h, as builds take. */
const STEP_BUCKETS = [5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400];
const RECONCILE_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300];
const ATTEMPT_BUCKETS = [1, 2, 3, 4, 5, 6, 7, 8];

export type PrometheusMetrics = ControllerMetrics & {
  /** all of it as Prometheus reads it, and the media type of that */
  readonly expose: () => Promise<{ readonly type: string; readonly text: string }>;
};

/** Metrics in a registry of their own (release-api.md 5). */
export function createPrometheusMetrics(): PrometheusMetrics {
  const registry = new Registry();
  const named = (name: string, help: string) => ({ name: `imgrel_${name}`, help, registers: [registry] });
  const counter = <const L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ ...named(name, help), labelNames: [...labelNames] });
  const histogram = <const L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
    new Histogram({ ...named(name, help), labelNames: [...labelNames], buckets });
  const current = (name: string, help: string, read: () => number) =>
    new Gauge({
      ...named(name, help),
      collect() {
        this.set(read());
      },
    });
  /** A count that is kept elsewhere. */
  const total = (name: string, help: string, read: () => number) =>
    new Counter({
      ...named(name, help),
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  const releases = (read: () => ReadonlyMap<string, number>) =>
    new Gauge({
      ...named("releases", "Releases in each phase."),
      labelNames: ["phase"],
      collect() {
        this.reset();
        for (const [phase, count] of read()) this.set({ phase }, count);
      },
    });

  const reconciles = counter("reconcile_total", "Looks at a release, by what they came to.", ["result"]);
  const reconcileTime = histogram("reconcile_duration_seconds", "How long one look took.", [], RECONCILE_BUCKETS);
  const stepLabels = ["step", "variant", "arch"] as const;
  const stepTime = histogram("step_duration_seconds", "How long a step took.", stepLabels, STEP_BUCKETS);
  const stepFailures = counter("step_failures_total", "Steps that failed.", ["step", "class", "reason"]);
  const builds = counter("build_attempts_total", "Attempts at a build.", ["variant", "arch", "result"]);
  const comparisons = counter("reproducible_total", "Comparisons of runs.", ["result", "variant", "arch"]);
  const signatures = counter("sign_total", "Signatures.", ["mode", "result"]);
  const publications = counter("publish_total", "Publications.", ["backend", "result"]);
  const notifications = counter("notify_total", "Notifications of the platform.", ["status"]);
  const pushes = counter("git_push_total", "Pushes of records.", ["result"]);
  const attempts = histogram("git_push_attempts", "Attempts that a push took.", [], ATTEMPT_BUCKETS);
  const calls = counter("api_requests_total", "Requests to the API server.", ["verb", "resource"]);
  const restarts = counter("watch_restarts_total", "Watches that were begun anew.", ["resource", "cause"]);
  const heard = new Gauge({
    ...named("watch_last_event_timestamp_seconds", "When a watch was last heard of."),
    labelNames: ["resource"],
  });

  return {
    reconciled: (result, seconds) => {
      reconciles.inc({ result });
      reconcileTime.observe(seconds);
    },
    stepEnded: (labels, seconds) => stepTime.observe(labels, seconds),
    stepFailed: (labels) => stepFailures.inc(labels),
    buildAttempted: (labels) => builds.inc(labels),
    compared: (labels) => comparisons.inc(labels),
    signed: (labels) => signatures.inc(labels),
    published: (labels) => publications.inc(labels),
    notified: (status) => notifications.inc({ status }),
    pushed: (result, tries) => {
      pushes.inc({ result });
      attempts.observe(tries);
    },
    apiCalled: (verb, resource) => calls.inc({ verb, resource }),
    watchRestarted: (resource, cause) => restarts.inc({ resource, cause }),
    watchHeard: (resource, at) => heard.set({ resource }, at.getTime() / 1000),
    showQueue: (read) => {
      current("workqueue_depth", "Keys that wait to be worked on.", () => read().depth);
      total("workqueue_adds_total", "Keys that became ready.", () => read().adds);
      total("workqueue_retries_total", "Keys that were put back after a failure.", () => read().retries);
      const longest = () => read().longestRunning;
      current("workqueue_longest_running_seconds", "How long the oldest key has been worked on.", longest);
    },
    showReleases: (read) => void releases(read),
    showLeader: (read) => void current("leader", "1 in the process that leads.", () => (read() ? 1 : 0)),
    expose: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}

import { expect, it } from "vitest";
import { createPrometheusMetrics } from "./prometheus-metrics.ts";

/** Samples by name and labels. */
const samplesOf = (text: string): Map<string, number> =>
  new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );

it("counts under the documented names", async () => {
  const metrics = createPrometheusMetrics();
  metrics.reconciled("success", 0.2);
  metrics.stepEnded({ step: "Built", variant: "oci", arch: "amd64" }, 70);
  metrics.stepFailed({ step: "Built", class: "transient", reason: "Evicted" });
  metrics.buildAttempted({ variant: "oci", arch: "amd64", result: "failed" });
  metrics.compared({ result: "equal", variant: "oci", arch: "amd64" });
  metrics.signed({ mode: "key", result: "signed" });
  metrics.published({ backend: "oci", result: "published" });
  metrics.notified("queued");
  metrics.pushed("pushed", 3);
  metrics.apiCalled("patch", "pods/status");
  metrics.watchRestarted("jobs", "silence");
  metrics.watchHeard("jobs", new Date(1_700_000_000_500));
  metrics.showQueue(() => ({ depth: 4, adds: 10, retries: 2, longestRunning: 1.5 }));
  metrics.showReleases(() => new Map([["Building", 3]]));
  metrics.showLeader(() => true);
  const { type, text } = await metrics.expose();
  expect(type).toMatch(/^text\/plain; version=0\.0\.4/);
  const samples = samplesOf(text);
  expect(Object.fromEntries([...samples].filter(([name]) => !name.includes("_bucket")))).toEqual({
    'imgrel_reconcile_total{result="success"}': 1,
    imgrel_reconcile_duration_seconds_sum: 0.2,
    imgrel_reconcile_duration_seconds_count: 1,
    'imgrel_step_duration_seconds_sum{step="Built",variant="oci",arch="amd64"}': 70,
    'imgrel_step_duration_seconds_count{step="Built",variant="oci",arch="amd64"}': 1,
    'imgrel_step_failures_total{step="Built",class="transient",reason="Evicted"}': 1,
    'imgrel_build_attempts_total{variant="oci",arch="amd64",result="failed"}': 1,
    'imgrel_reproducible_total{result="equal",variant="oci",arch="amd64"}': 1,
    'imgrel_sign_total{mode="key",result="signed"}': 1,
    'imgrel_publish_total{backend="oci",result="published"}': 1,
    'imgrel_notify_total{status="queued"}': 1,
    'imgrel_git_push_total{result="pushed"}': 1,
    imgrel_git_push_attempts_sum: 3,
    imgrel_git_push_attempts_count: 1,
    'imgrel_api_requests_total{verb="patch",resource="pods/status"}': 1,
    'imgrel_watch_restarts_total{resource="jobs",cause="silence"}': 1,
    'imgrel_watch_last_event_timestamp_seconds{resource="jobs"}': 1_700_000_000.5,
    imgrel_workqueue_depth: 4,
    imgrel_workqueue_adds_total: 10,
    imgrel_workqueue_retries_total: 2,
    imgrel_workqueue_longest_running_seconds: 1.5,
    'imgrel_releases{phase="Building"}': 3,
    imgrel_leader: 1,
  });
  expect(samples.get('imgrel_step_duration_seconds_bucket{le="60",step="Built",variant="oci",arch="amd64"}')).toBe(0);
  expect(samples.get('imgrel_step_duration_seconds_bucket{le="120",step="Built",variant="oci",arch="amd64"}')).toBe(1);
});

it("reads what changes each time it is asked", async () => {
  const metrics = createPrometheusMetrics();
  let leads = true;
  let phases = new Map([["Building", 1]]);
  metrics.showLeader(() => leads);
  metrics.showReleases(() => phases);
  await metrics.expose();
  leads = false;
  phases = new Map([["Published", 1]]);
  const samples = samplesOf((await metrics.expose()).text);
  expect(samples.get("imgrel_leader")).toBe(0);
  expect([...samples.keys()].filter((name) => name.startsWith("imgrel_releases"))).toEqual([
    'imgrel_releases{phase="Published"}',
  ]);
});

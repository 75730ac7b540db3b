import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { demoJobContext, demoPublishPod } from "../../../test/fakes/job-context.ts";
import { type KubernetesApi, startKubernetesApi } from "../../../test/fakes/kubernetes-api.ts";
import { recordedLogger } from "../../../test/fakes/recorded-logger.ts";
import { silentMetrics } from "../../../test/fakes/silent-metrics.ts";
import { attemptsSelector } from "../../domain/jobs/object-labels.ts";
import { publishJob } from "../../domain/jobs/publish-job.ts";
import { systemClock } from "../system-clock.ts";
import { type ApiClient, createApiClient } from "./api-client.ts";
import { jobNews } from "./job-news.ts";
import { JOBS, PODS, type Resource } from "./resource.ts";

const never = new AbortController().signal;
const MINUTE = 60_000;

let api: KubernetesApi;
let client: ApiClient;
let stop: AbortController;
beforeEach(async () => {
  api = await startKubernetesApi();
  stop = new AbortController();
  const connection = { server: api.url, tls: {}, headers: async () => ({}), namespace: "default" };
  client = createApiClient(connection);
});
afterEach(async () => {
  stop.abort();
  await api[Symbol.asyncDispose]();
});

const context = demoJobContext();
const { namespace } = context.settings;
const { release } = context.identity;
/** The publish Job of a run, and a pod that has its labels. */
const job = (run: number) => publishJob(context, { ...demoPublishPod(), run }, { attempt: 1, deadlineSeconds: 60 });
const pod = (run: number) => {
  const { name, labels } = job(run).metadata;
  return { metadata: { namespace, name: `${name}-x`, labels } };
};
const of = (run: number) => ({
  namespace,
  selector: attemptsSelector(release, { step: "publish", arch: "amd64", run }),
});
type Put = { readonly metadata: { readonly name: string; readonly labels: object } };
const put = (resource: Resource, { metadata: { name, labels } }: Put, note = "") =>
  client.apply(resource, { metadata: { namespace, name, labels }, spec: { note } }, { manager: "t" }, never);
/** Puts it if it is not there, and says how it is. */
const show = async (resource: Resource, of: Put, status: object) => {
  await put(resource, of);
  const ref = { resource, namespace, name: of.metadata.name };
  return client.patch(ref, { status }, { subresource: "status" }, never);
};
const condition = (type: string, status = "True", message = "") => ({ conditions: [{ type, status, message }] });
const ended = (type = "Complete") => condition(type);
const state = (of: object) => ({ phase: "Pending", containerStatuses: [{ name: "publish", state: of }] });
const RUNNING = state({ running: {} });

/**
 * Follows with a clock on which a minute and the pauses of a watch last as long as the test says: all other waits are
 * over at once. `looked`: asks for news, and says whether they came before the minute was over.
 */
function given(minute = 5000) {
  const { log, records } = recordedLogger();
  const clock = {
    ...systemClock,
    after: (milliseconds: number, call: () => void) =>
      systemClock.after(milliseconds === MINUTE ? minute : milliseconds / 100, call),
  };
  const follow = jobNews({ client, clock, random: () => 0.5, log, metrics: silentMetrics, signal: stop.signal });
  const early = async (news: ReturnType<typeof follow>): Promise<boolean> => {
    const since = performance.now();
    await news.next(never);
    return performance.now() - since < minute - 5;
  };
  return { follow, early, records };
}

const watching = async (count = 2): Promise<void> => {
  while (api.watches.count() < count) await new Promise((later) => setTimeout(later, 5));
};

/** Follows a run, once both watches are there and what they told is read. */
async function settled({ follow, early }: Pick<ReturnType<typeof given>, "follow" | "early">, run: number) {
  const news = follow(of(run));
  await watching();
  await early(news);
  return news;
}

describe("news of a Job", () => {
  it("come when it or one of its pods is at another stage, or is gone", async () => {
    const { follow, early } = given();
    using news = await settled({ follow, early }, 1);
    const doings = [
      () => show(PODS, pod(1), { phase: "Pending", ...condition("PodScheduled", "False", "no node") }),
      () => show(PODS, pod(1), state({ waiting: { reason: "ErrImagePull", message: "no such image" } })),
      () => show(PODS, pod(1), RUNNING),
      () => show(PODS, pod(1), { ...RUNNING, ...condition("DisruptionTarget") }),
      () => client.remove({ resource: PODS, namespace, name: pod(1).metadata.name }, {}, never),
      () => show(JOBS, job(1), ended()),
      () => client.remove({ resource: JOBS, namespace, name: job(1).metadata.name }, {}, never),
      () => show(JOBS, job(1), ended("Failed")),
    ];
    for (const doing of doings) {
      await doing();
      expect(await early(news)).toBe(true);
    }
  });
  it("do not come of what is new or changes while there is nothing to say of it", async () => {
    const { follow, early } = given(400);
    using news = await settled({ follow, early }, 1);
    await show(PODS, pod(1), { phase: "Pending" }); // the API server itself says so of a new one
    expect(await early(news)).toBe(true);
    await put(JOBS, job(1));
    await show(PODS, pod(1), { phase: "Pending", ...condition("PodScheduled") });
    await show(JOBS, job(1), { startTime: "2026-11-26T03:00:00Z", active: 1 });
    expect(await early(news)).toBe(false);
    await show(PODS, pod(1), RUNNING);
    expect(await early(news)).toBe(true);
    await show(PODS, pod(1), { ...RUNNING, podIP: "10.0.0.1" });
    await show(PODS, pod(1), { ...state({ terminated: { exitCode: 0 } }), phase: "Succeeded" }); // its Job has not ended
    await show(JOBS, job(1), condition("SuccessCriteriaMet"));
    expect(await early(news)).toBe(false);
  });
  it("come with every change of what cannot be read", async () => {
    const { follow, early } = given();
    using news = await settled({ follow, early }, 1);
    for (const phase of [1, 2]) {
      await show(PODS, pod(1), { phase });
      expect(await early(news)).toBe(true);
    }
  });
  it("are not missed between a look and the question, nor during a look", async () => {
    const { follow, early } = given();
    using news = await settled({ follow, early }, 1);
    using other = follow(of(2));
    await show(PODS, pod(1), RUNNING);
    await show(PODS, pod(2), RUNNING); // the other's news say that the first ones were told as well
    expect(await early(other)).toBe(true);
    expect(await early(news)).toBe(true);
  });
  it("are told once for what comes in a row", async () => {
    const { follow, early } = given(400);
    using news = await settled({ follow, early }, 1);
    await show(PODS, pod(1), RUNNING);
    await show(JOBS, job(1), ended());
    expect(await early(news)).toBe(true);
    expect(await early(news)).toBe(false);
  });
  it("are not told of another one, and come after a minute in any case", async () => {
    const { follow, early } = given(400);
    using news = await settled({ follow, early }, 1);
    await show(JOBS, job(2), ended());
    await show(PODS, pod(2), RUNNING);
    expect(await early(news)).toBe(false);
  });
  it("tell of a Job that was deleted while the first list was on its way", async () => {
    await put(JOBS, job(1));
    api.failures.push({ on: /jobs\?/, how: { status: 500 } });
    const { follow, early } = given();
    using news = follow(of(1));
    await client.remove({ resource: JOBS, namespace, name: job(1).metadata.name }, {}, never);
    expect(await early(news)).toBe(true);
  });
  it.each(["reset", "end"] as const)("come from a watch that was begun anew after %s, none lost", async (how) => {
    const { follow, early } = given();
    using news = await settled({ follow, early }, 1);
    api.watches.cut(how);
    await show(JOBS, job(1), ended());
    expect(await early(news)).toBe(true);
  });
  it("come after a minute where the server refuses, without an error, and at once when it no longer does", async () => {
    for (let nth = 0; nth < 40; nth += 1) api.failures.push({ on: /pods\?|jobs\?/, how: { status: 403 } });
    const { follow, early, records } = given(200);
    using news = follow(of(1));
    expect(await early(news)).toBe(false);
    expect(records.length).toBeGreaterThan(2);
    api.failures.length = 0;
    await watching();
    await early(news);
    await show(JOBS, job(1), ended());
    expect(await early(news)).toBe(true);
  });
  it("need two watches per namespace, however many follow, and only as long as the controller runs", async () => {
    const { follow, early } = given();
    const first = await settled({ follow, early }, 1);
    const others = [follow(of(2)), follow({ ...of(1), namespace: "elsewhere" })];
    await watching(4);
    for (const news of [first, ...others]) news[Symbol.dispose]();
    expect(api.requests.filter((request) => request.includes("limit="))).toHaveLength(4);
    stop.abort();
    while (api.watches.count() > 0) await new Promise((later) => setTimeout(later, 5));
    expect(api.watches.count()).toBe(0);
  });
  it("end with the signal of who waits", async () => {
    const { follow, early } = given();
    using news = await settled({ follow, early }, 1);
    const over = new AbortController();
    const waiting = news.next(over.signal);
    over.abort(new Error("over"));
    await expect(waiting).rejects.toThrow("over");
    await expect(news.next(over.signal)).rejects.toThrow("over");
  });
});

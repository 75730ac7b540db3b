import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ApiFailure, type KubernetesApi, startKubernetesApi } from "../../../test/fakes/kubernetes-api.ts";
import { recordedLogger } from "../../../test/fakes/recorded-logger.ts";
import type { WatchCause } from "../../ports/controller-metrics.ts";
import { systemClock } from "../system-clock.ts";
import { type ApiClient, createApiClient } from "./api-client.ts";
import { createReflector } from "./reflector.ts";
import type { Resource } from "./resource.ts";

const PROBES: Resource = {
  group: "contract.example",
  version: "v1",
  plural: "probes",
  kind: "Probe",
  namespaced: true,
};
const never = new AbortController().signal;
const SILENCE = 2000;

/** Time at a twentieth: back-offs of seconds do not hold a test up. */
const fastClock = {
  ...systemClock,
  after: (milliseconds: number, call: () => void) => systemClock.after(milliseconds / 20, call),
};

let api: KubernetesApi;
let client: ApiClient;
let stop: AbortController;
beforeEach(async () => {
  api = await startKubernetesApi();
  stop = new AbortController();
  const connection = { server: api.url, tls: {}, headers: async () => ({}), namespace: "default" };
  client = createApiClient(connection, { pace: { answer: SILENCE, silence: SILENCE } });
});
afterEach(async () => {
  stop.abort();
  await api[Symbol.asyncDispose]();
});

const put = (name: string, size: number) =>
  client.apply(PROBES, { metadata: { namespace: "n", name }, spec: { size } }, { manager: "test" }, never);
const remove = (name: string) => client.remove({ resource: PROBES, namespace: "n", name }, {}, never);

function reflect(pageSize = 2) {
  const { log, records } = recordedLogger();
  const told: string[] = [];
  const causes: WatchCause[] = [];
  const metrics = {
    watchHeard: () => undefined,
    watchRestarted: (_resource: string, cause: WatchCause) => void causes.push(cause),
  };
  const reflector = createReflector({
    ...{ client, of: { resource: PROBES }, clock: fastClock, random: () => 0.5, log, metrics, pageSize },
    keep: (object) => (object["spec"] as { size: number }).size,
    onChange: ({ key, after }) => void told.push(`${key} ${after ?? "gone"}`),
  });
  const running = reflector.run(stop.signal);
  return { ...reflector, running, told, causes, records };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((later) => setTimeout(later, 5));
}
const watching = () => until(() => api.watches.count() === 1);
const fail = (on: RegExp, how: ApiFailure["how"]) => api.failures.push({ on, how });
const WATCH = /watch=1/;
const LIST = /\?limit/;

describe("a reflector", () => {
  it("tells what there is, page by page, then what changes", async () => {
    for (const name of ["a", "b", "c"]) await put(name, 1);
    const { told, synced, cache } = reflect();
    await synced;
    expect(told).toEqual(["n/a 1", "n/b 1", "n/c 1"]);
    await put("a", 2);
    await remove("b");
    await until(() => told.length === 5);
    expect(told.slice(3)).toEqual(["n/a 2", "n/b gone"]);
    expect([cache.get("n/a"), cache.get("n/b"), [...cache.values()]]).toEqual([2, undefined, [2, 1]]);
  });

  it.each([
    ["429", { status: 429, retryAfter: 1 }, "throttled"],
    ["500", { status: 500 }, "server-error"],
    ["a reset", "reset", "reset"],
    ["403", { status: 403 }, "refused"],
  ] as const)("goes on after %s on list and watch, and misses nothing", async (_name, how, cause) => {
    await put("a", 1);
    await put("b", 1);
    await put("c", 1);
    fail(LIST, how);
    const { told, causes, synced } = reflect();
    await synced;
    fail(WATCH, how);
    fail(WATCH, how);
    api.watches.cut("end");
    await put("a", 2);
    await until(() => told.length === 4);
    expect(told.at(-1)).toBe("n/a 2");
    expect(causes.filter((each) => each === cause)).toHaveLength(3);
    expect(api.requests.filter((request) => LIST.test(request))).toHaveLength(3);
  });

  it.each([
    ["is reset", "reset", "reset"],
    ["says nothing for too long", "silence", "silence"],
    ["ends in order", "end", "ended"],
  ] as const)("watches on from where it was when a watch %s, without a new list", async (_name, how, cause) => {
    await put("a", 1);
    const { told, causes, synced } = reflect();
    await synced;
    await watching();
    api.watches.cut(how);
    await put("a", 2);
    await put("a", 3);
    await until(() => told.length === 3);
    expect(told).toEqual(["n/a 1", "n/a 2", "n/a 3"]);
    expect(causes).toContain(cause);
    expect(api.requests.filter((request) => LIST.test(request))).toHaveLength(1);
  });

  it("is kept alive by bookmarks, and goes on from the last one", async () => {
    await put("a", 1);
    const { told, causes, synced } = reflect();
    await synced;
    await watching();
    await client.apply(
      { ...PROBES, plural: "others" },
      { metadata: { namespace: "n", name: "x" } },
      { manager: "t" },
      never,
    );
    for (let nth = 0; nth < 4; nth += 1) {
      await new Promise((later) => setTimeout(later, SILENCE / 2));
      api.watches.bookmark();
    }
    expect(causes).toEqual([]);
    api.compact();
    api.watches.cut("reset");
    await put("b", 1);
    await until(() => told.length === 2);
    expect(causes).toEqual(["reset"]);
  });

  it("lists anew when its version has expired, and tells only what changed meanwhile", async () => {
    for (const name of ["a", "b", "c"]) await put(name, 1);
    const { told, causes, synced } = reflect();
    await synced;
    await watching();
    fail(WATCH, { status: 500 });
    api.watches.cut("reset");
    await remove("b");
    await put("c", 2);
    api.compact();
    await until(() => told.length === 5);
    expect(told.slice(3).toSorted()).toEqual(["n/b gone", "n/c 2"]);
    expect(causes).toContain("expired");
  });

  it("begins its list anew when the version of that has expired between two pages", async () => {
    for (const name of ["a", "b", "c"]) await put(name, 1);
    fail(/continue=/, { status: 410 });
    const { told, causes, synced } = reflect();
    await synced;
    expect([told.toSorted(), causes]).toEqual([["n/a 1", "n/b 1", "n/c 1"], ["expired"]]);
  });

  it("waits for a kind that is not there yet", async () => {
    fail(LIST, { status: 404 });
    fail(LIST, { status: 404 });
    const { causes, synced, records } = reflect();
    await synced;
    expect(causes).toEqual(["refused", "refused"]);
    expect(records.filter(({ level }) => level === "warn")).toHaveLength(2);
  });

  it("stops with the signal, while it waits and while it watches", async () => {
    const one = reflect();
    await one.synced;
    await watching();
    stop.abort();
    await one.running;
    stop = new AbortController();
    for (let nth = 0; nth < 20; nth += 1) fail(LIST, { status: 500 });
    const two = reflect();
    await until(() => two.causes.length > 2);
    stop.abort();
    await two.running;
    expect(api.watches.count()).toBe(0);
  });

  it("does not hide what a listener throws", async () => {
    await put("a", 1);
    const { log } = recordedLogger();
    const reflector = createReflector({
      ...{ client, of: { resource: PROBES }, clock: fastClock, random: () => 0.5, log, keep: () => 1 },
      metrics: { watchHeard: () => undefined, watchRestarted: () => undefined },
      onChange: () => {
        throw new Error("a bug");
      },
    });
    await expect(reflector.run(stop.signal)).rejects.toThrow("a bug");
  });
});

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ApiClient, createApiClient, type Selection } from "../../controller/adapters/kubernetes/api-client.ts";
import type { ApiObject, DraftObject } from "../../controller/adapters/kubernetes/api-object.ts";
import type { ApiConnection } from "../../controller/adapters/kubernetes/connection.ts";
import { createEventRecorder } from "../../controller/adapters/kubernetes/event-recorder.ts";
import { clusterLease } from "../../controller/adapters/kubernetes/lease-store.ts";
import { createReflector } from "../../controller/adapters/kubernetes/reflector.ts";
import { EVENTS, type Resource } from "../../controller/adapters/kubernetes/resource.ts";
import type { WatchEvent } from "../../controller/adapters/kubernetes/watch-stream.ts";
import { systemClock } from "../../controller/adapters/system-clock.ts";
import { silentLogger } from "../../controller/ports/logger.ts";
import { waitForLeadership } from "../../controller/reconciler/leader-election.ts";
import { silentMetrics } from "../fakes/silent-metrics.ts";

const core = (plural: string, kind: string, namespaced: boolean): Resource => ({
  ...{ group: "", version: "v1", plural, kind, namespaced },
});
const CONFIG_MAPS = core("configmaps", "ConfigMap", true);
const NAMESPACES = core("namespaces", "Namespace", false);
const CRDS: Resource = {
  ...{ group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions" },
  ...{ kind: "CustomResourceDefinition", namespaced: false },
};
const PROBES: Resource = {
  group: "contract.example",
  version: "v1",
  plural: "probes",
  kind: "Probe",
  namespaced: true,
};
const UNKNOWN: Resource = { ...PROBES, group: "unknown.example" };

const PROBE_DEFINITION: DraftObject = {
  metadata: { name: "probes.contract.example" },
  spec: {
    ...{ group: PROBES.group, scope: "Namespaced", names: { plural: "probes", singular: "probe", kind: "Probe" } },
    versions: [
      {
        ...{ name: "v1", served: true, storage: true, subresources: { status: {} } },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: { type: "object", properties: { size: { type: "integer" } } },
              status: { type: "object", properties: { phase: { type: "string" } } },
            },
          },
        },
      },
    ],
  },
};

const never = new AbortController().signal;
const unique = (what: string): string => `${what}-${randomUUID().slice(0, 8)}`;
const dataOf = (object: ApiObject | undefined): unknown => object?.["data"];

/** Waits until something holds; the test's own limit ends it otherwise. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((later) => setTimeout(later, 25));
}

/** An API server, how it is made to forget what happened before, and its end. */
export type ApiUnderTest = {
  readonly connection: ApiConnection;
  readonly forget: () => Promise<void>;
  readonly end: () => Promise<void>;
};

/** What our controller needs of an API server; the fake keeps these promises, and a real one must. */
export function kubernetesApiContract(name: string, start: () => Promise<ApiUnderTest>): void {
  describe(`${name} is an API server`, () => {
    const namespace = unique("contract");
    let server: ApiUnderTest;
    let api: ApiClient;
    const configMap = (mapName: string, more: object = {}): DraftObject => ({
      metadata: { namespace, name: mapName },
      ...more,
    });
    const ref = (mapName: string) => ({ resource: CONFIG_MAPS, namespace, name: mapName });

    beforeAll(async () => {
      server = await start();
      api = createApiClient(server.connection);
      await api.create(NAMESPACES, { metadata: { name: namespace } }, never);
      await api.apply(CRDS, PROBE_DEFINITION, { manager: "contract", force: true }, never);
      // its paths appear a moment after the definition
      await until(() =>
        api.list({ resource: PROBES, namespace, limit: 1 }, never).then(
          () => true,
          () => false,
        ),
      );
    });
    afterAll(async () => {
      await api.remove({ resource: NAMESPACES, name: namespace }, {}, never);
      await server.end();
    });

    it("keeps an object, and lets only who saw its present version replace it", async () => {
      const mapName = unique("kept");
      expect(await api.get(ref(mapName), never)).toBeUndefined();
      const made = await api.create(CONFIG_MAPS, configMap(mapName, { data: { a: "ü" } }), never);
      expect(dataOf(await api.get(ref(mapName), never))).toEqual({ a: "ü" });
      const again = api.create(CONFIG_MAPS, configMap(mapName), never);
      await expect(again).rejects.toMatchObject({ code: "ObjectExists", kind: "permanent" });
      const { resourceVersion, uid } = made.metadata;
      const next = { metadata: { namespace, name: mapName, resourceVersion }, data: { a: "b" } };
      const replaced = await api.replace(CONFIG_MAPS, next, never);
      expect([dataOf(replaced), replaced.metadata.uid]).toEqual([{ a: "b" }, uid]);
      const stale = api.replace(CONFIG_MAPS, next, never);
      await expect(stale).rejects.toMatchObject({ code: "ObjectConflict", kind: "transient" });
      const stalePatch = api.patch(ref(mapName), { metadata: { resourceVersion }, data: { a: "c" } }, {}, never);
      await expect(stalePatch).rejects.toMatchObject({ code: "ObjectConflict" });
      expect(dataOf(await api.patch(ref(mapName), { data: { a: null, c: "d" } }, {}, never))).toEqual({ c: "d" });
    });

    it("deletes what is there, and only the very object that is meant", async () => {
      const mapName = unique("deleted");
      await api.create(CONFIG_MAPS, configMap(mapName), never);
      const other = api.remove(ref(mapName), { uid: randomUUID() }, never);
      await expect(other).rejects.toMatchObject({ code: "ObjectConflict" });
      expect(await api.remove(ref(mapName), {}, never)).toBe(true);
      expect(await api.remove(ref(mapName), {}, never)).toBe(false);
    });

    it("deletes all objects of these labels, and no others", async () => {
      const label = unique("swept");
      const names = [`${label}-a`, `${label}-b`, `${label}-c`];
      for (const [nth, mapName] of names.entries()) {
        const metadata = { namespace, name: mapName, labels: { sweep: nth < 2 ? label : "other" } };
        await api.create(CONFIG_MAPS, { metadata }, never);
      }
      const all = { resource: CONFIG_MAPS, namespace, labelSelector: `sweep=${label}` };
      await api.removeAll(all, never);
      expect(await Promise.all(names.map(async (one) => (await api.get(ref(one), never)) !== undefined))).toEqual([
        ...[false, false, true],
      ]);
      await api.removeAll(all, never); // there are none
      await api.remove(ref(`${label}-c`), {}, never);
    });

    it("keeps an object that has a finalizer until that is taken off", async () => {
      const mapName = unique("final");
      const metadata = { namespace, name: mapName, finalizers: ["contract.example/hold"] };
      await api.create(CONFIG_MAPS, { metadata }, never);
      await api.remove(ref(mapName), {}, never);
      expect((await api.get(ref(mapName), never))?.metadata.deletionTimestamp).toBeDefined();
      await api.patch(ref(mapName), { metadata: { finalizers: null } }, {}, never);
      expect(await api.get(ref(mapName), never)).toBeUndefined();
    });

    it("refuses what it cannot take, and says why", async () => {
      const invalid = api.create(CONFIG_MAPS, configMap("Bad_Name"), never);
      await expect(invalid).rejects.toMatchObject({
        code: "ObjectInvalid",
        message: expect.stringContaining("Bad_Name") as string,
      });
      const unknown = api.list({ resource: UNKNOWN, namespace, limit: 1 }, never);
      await expect(unknown).rejects.toMatchObject({ code: "NotFound" });
      const { connection } = server;
      const headers = async () => ({ ...(await connection.headers()), "impersonate-user": "nobody" });
      const nobody = createApiClient({ ...connection, headers });
      for (const list of [nobody.list, nobody.listMetadata]) {
        await expect(list({ resource: CONFIG_MAPS, namespace, limit: 1 }, never)).rejects.toMatchObject({
          code: "Unauthorized",
          remedy: `grant apiGroups [""], resources [configmaps], verbs [list] in a Role of namespace ${namespace}, or apply deploy/ again`,
        });
      }
    });

    it("lists in pages, all as of one version, and only what a selector chooses", async () => {
      const label = unique("page");
      const names = ["a", "b", "c", "d", "e", "f", "g"].map((letter) => `${label}-${letter}`);
      for (const mapName of names) {
        await api.create(CONFIG_MAPS, { metadata: { namespace, name: mapName, labels: { label } } }, never);
      }
      const of: Selection = { resource: CONFIG_MAPS, namespace, labelSelector: `label=${label}` };
      const first = await api.list({ ...of, limit: 3 }, never);
      await api.create(CONFIG_MAPS, { metadata: { namespace, name: `${label}-h`, labels: { label } } }, never);
      const second = await api.list({ ...of, limit: 3, from: first.continue }, never);
      const third = await api.list({ ...of, limit: 3, from: second.continue }, never);
      expect([first, second, third].flatMap(({ items }) => items.map(({ metadata }) => metadata.name))).toEqual(names);
      expect(new Set([first, second, third].map(({ resourceVersion }) => resourceVersion)).size).toBe(1);
      expect(third.continue).toBeUndefined();
    });

    it("lists metadata alone", async () => {
      const label = unique("metadata");
      for (const letter of ["a", "b"]) {
        const metadata = { namespace, name: `${label}-${letter}`, labels: { label } };
        await api.create(CONFIG_MAPS, { metadata, data: { long: "x" } }, never);
      }
      const of: Selection = { resource: CONFIG_MAPS, namespace, labelSelector: `label=${label}` };
      // the server's cache may be behind
      await until(async () => (await api.listMetadata({ ...of, limit: 500 }, never)).items.length === 2);
      const { items } = await api.listMetadata({ ...of, limit: 500 }, never);
      expect(items.map(({ metadata }) => [metadata.name, metadata.labels])).toEqual([
        ...[`${label}-a`, `${label}-b`].map((one) => [one, { label }]),
      ]);
      expect(items.map(dataOf)).toEqual([undefined, undefined]);
    });

    it("tells what happens after a list, once and in order, and ends a watch in time with a bookmark", async () => {
      const label = unique("watch");
      const labels = { label };
      const of: Selection = { resource: CONFIG_MAPS, namespace, labelSelector: `label=${label}` };
      await api.create(CONFIG_MAPS, { metadata: { namespace, name: `${label}-a`, labels } }, never);
      const { resourceVersion } = await api.list({ ...of, limit: 100 }, never);
      await api.create(CONFIG_MAPS, { metadata: { namespace, name: `${label}-b`, labels } }, never);
      const events: WatchEvent[] = [];
      const watched = (async () => {
        for await (const event of api.watch({ ...of, resourceVersion, seconds: 5 }, never)) events.push(event);
      })();
      await until(() => events.length === 1);
      const changed = await api.patch(ref(`${label}-a`), { data: { x: "y" } }, {}, never);
      await api.remove(ref(`${label}-b`), {}, never);
      await api.patch(ref(`${label}-a`), { metadata: { labels: null } }, {}, never);
      await watched;
      const told = events.filter((event) => event.kind !== "bookmark");
      expect(told.map(({ kind, object }) => [kind, object.metadata.name])).toEqual([
        ["changed", `${label}-b`],
        ["changed", `${label}-a`],
        ["deleted", `${label}-b`],
        ["deleted", `${label}-a`],
      ]);
      expect(told[1]?.object.metadata.resourceVersion).toBe(changed.metadata.resourceVersion);
      expect(events.at(-1)?.kind).toBe("bookmark");
    });

    it("applies the fields of a manager, and keeps them from others", async () => {
      const mapName = unique("applied");
      const draft = (data: object) => configMap(mapName, { data });
      const made = await api.apply(CONFIG_MAPS, draft({ a: "1", b: "2" }), { manager: "one" }, never);
      const same = await api.apply(CONFIG_MAPS, draft({ a: "1", b: "2" }), { manager: "one" }, never);
      expect(same.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
      const other = api.apply(CONFIG_MAPS, draft({ a: "9" }), { manager: "two" }, never);
      await expect(other).rejects.toMatchObject({ code: "ObjectConflict" });
      const added = await api.apply(CONFIG_MAPS, draft({ c: "3" }), { manager: "two" }, never);
      expect(dataOf(added)).toEqual({ a: "1", b: "2", c: "3" });
      const forced = await api.apply(CONFIG_MAPS, draft({ a: "9", c: "3" }), { manager: "two", force: true }, never);
      expect(dataOf(forced)).toEqual({ a: "9", b: "2", c: "3" });
      const dropped = await api.apply(CONFIG_MAPS, draft({}), { manager: "one" }, never);
      expect(dataOf(dropped)).toEqual({ a: "9", c: "3" });
    });

    it("keeps spec and status apart, and counts generations of the spec only", async () => {
      const probe = unique("probe");
      const place = { resource: PROBES, namespace, name: probe };
      const draft = (fields: object): DraftObject => ({ metadata: { namespace, name: probe }, ...fields });
      const specified = { spec: { size: 1 }, status: { phase: "Forged" } };
      const made = await api.create(PROBES, draft(specified), never);
      expect([made["status"], made.metadata.generation]).toEqual([undefined, 1]);
      const patch = { spec: { size: 7 }, status: { phase: "Working" } };
      const patched = await api.patch(place, patch, { subresource: "status" }, never);
      expect([patched["spec"], patched["status"], patched.metadata.generation]).toEqual([
        ...[{ size: 1 }, { phase: "Working" }, 1],
      ]);
      const changed = await api.patch(place, { spec: { size: 2 }, status: { phase: "Forged" } }, {}, never);
      expect([changed["spec"], changed["status"], changed.metadata.generation]).toEqual([
        ...[{ size: 2 }, { phase: "Working" }, 2],
      ]);
      const options = { manager: "status", force: true, subresource: "status" } as const;
      const applied = await api.apply(PROBES, draft({ status: { phase: "Done" } }), options, never);
      expect([applied["status"], applied.metadata.generation]).toEqual([{ phase: "Done" }, 2]);
    });

    it("lets a reflector follow it", async () => {
      const label = unique("reflect");
      const labels = { label };
      const draft = (mapName: string, data: object): DraftObject => ({
        metadata: { namespace, name: mapName, labels },
        data,
      });
      for (const letter of ["a", "b", "c"])
        await api.create(CONFIG_MAPS, draft(`${label}-${letter}`, { n: "1" }), never);
      const stop = new AbortController();
      const told: string[] = [];
      const reflector = createReflector({
        client: api,
        of: { resource: CONFIG_MAPS, namespace, labelSelector: `label=${label}` },
        keep: (object) => JSON.stringify(object["data"]),
        onChange: ({ key, after }) => void told.push(`${key.slice(-1)} ${after ?? "gone"}`),
        ...{ clock: systemClock, random: Math.random, log: silentLogger, metrics: silentMetrics, pageSize: 2 },
      });
      const running = reflector.run(stop.signal);
      await reflector.synced;
      expect(told.toSorted()).toEqual(['a {"n":"1"}', 'b {"n":"1"}', 'c {"n":"1"}']);
      await api.patch(ref(`${label}-a`), { data: { n: "2" } }, {}, never);
      await api.remove(ref(`${label}-b`), {}, never);
      await api.create(CONFIG_MAPS, draft(`${label}-d`, { n: "1" }), never);
      await until(() => told.length === 6);
      expect(told.slice(3)).toEqual(['a {"n":"2"}', "b gone", 'd {"n":"1"}']);
      expect([...reflector.cache.values()]).toHaveLength(3);
      stop.abort();
      await running;
    });

    it("keeps a lease that one process holds, until it is given back or not renewed", async () => {
      const store = clusterLease(api, { namespace, name: unique("lease") });
      const times = { duration: 3000, valid: 2000, renew: 400 };
      const stop = new AbortController();
      const candidate = (identity: string) => {
        const election = { store, clock: systemClock, identity, times, log: silentLogger, random: Math.random };
        return waitForLeadership(election, stop.signal);
      };
      const first = await candidate("first");
      const waiting = candidate("second");
      let second = await Promise.race([waiting, new Promise<undefined>((later) => setTimeout(later, 1500, undefined))]);
      expect([first.isLeader(), second]).toEqual([true, undefined]);
      await first.release();
      second = await waiting;
      expect([first.isLeader(), second.isLeader(), second.fence > first.fence]).toEqual([false, true, true]);
      const found = await store.read(never);
      expect(found).toMatchObject({ holder: "second", durationSeconds: 3, transitions: second.fence });
      await second.release();
      stop.abort();
    });

    it("takes events, and counts those that happen again", async () => {
      const { metadata } = await api.create(CONFIG_MAPS, configMap(unique("event")), never);
      const about = { apiVersion: "v1", kind: "ConfigMap", namespace, name: metadata.name, uid: metadata.uid };
      const recorder = createEventRecorder({
        client: api,
        clock: systemClock,
        log: silentLogger,
        instance: "contract",
      });
      const event = { type: "Warning", reason: "BuildFailed", action: "Built", note: "run 1: dracut failed" } as const;
      for (let nth = 0; nth < 3; nth += 1) recorder.record(about, event);
      recorder.record(about, { ...event, type: "Normal", reason: "Succeeded" });
      await recorder.settled();
      const { items } = await api.list({ resource: EVENTS, namespace, limit: 500 }, never);
      const ours = items.filter((item) => (item["regarding"] as { name: string }).name === metadata.name);
      expect(ours.map((item) => [item["reason"], (item["series"] as { count: number } | undefined)?.count])).toEqual(
        expect.arrayContaining([
          ["BuildFailed", 3],
          ["Succeeded", undefined],
        ]),
      );
      expect(ours).toHaveLength(2);
    });

    it("says that a version has expired which is older than what it remembers, and lists all the same", async () => {
      const mapName = unique("old");
      await api.create(CONFIG_MAPS, configMap(mapName), never);
      await server.forget();
      const watch = api.watch({ resource: CONFIG_MAPS, namespace, resourceVersion: "1", seconds: 5 }, never);
      await expect(Array.fromAsync(watch)).rejects.toMatchObject({ code: "VersionExpired" });
      const { items } = await api.list({ resource: CONFIG_MAPS, namespace, limit: 500 }, never);
      expect(items.map(({ metadata }) => metadata.name)).toContain(mapName);
    });
  });
}

import { expect, it } from "vitest";
import type { ApiClient } from "./api-client.ts";
import { clusterLease } from "./lease-store.ts";

const never = new AbortController().signal;
const metadata = { name: "l", namespace: "n", uid: "u", resourceVersion: "7" };

it("a Lease that someone made without saying anything is nobody's", async () => {
  const unused = () => Promise.reject(new Error("not asked for"));
  const client: Pick<ApiClient, "get" | "create" | "patch"> = {
    get: async () => ({ metadata }),
    create: unused,
    patch: unused,
  };
  const found = await clusterLease(client, { namespace: "n", name: "l" }).read(never);
  expect(found).toMatchObject({ holder: "", durationSeconds: 0, transitions: 0, version: "7" });
});

it("a Lease is replaced only in the version that was seen, and by nothing but its spec", async () => {
  const patches: object[] = [];
  const client: Pick<ApiClient, "get" | "create" | "patch"> = {
    get: async () => undefined,
    create: async () => ({ metadata }),
    patch: async (_ref, patch) => {
      patches.push(patch);
      return { metadata, spec: (patch as { spec: object }).spec };
    },
  };
  const moment = new Date("2026-11-23T04:00:00.123Z");
  const lease = { holder: "", durationSeconds: 1, acquired: moment, renewed: moment, transitions: 4 };
  const stored = await clusterLease(client, { namespace: "n", name: "l" }).replace("6", lease, never);
  const at = "2026-11-23T04:00:00.123000Z";
  const times = { acquireTime: at, renewTime: at };
  expect(patches).toEqual([
    {
      metadata: { resourceVersion: "6" },
      spec: { holderIdentity: null, leaseDurationSeconds: 1, ...times, leaseTransitions: 4 },
    },
  ]);
  expect(stored).toEqual({ ...lease, version: "7" });
});

it("each answer is told, a failure is not", async () => {
  let answers = 0;
  const client: Pick<ApiClient, "get" | "create" | "patch"> = {
    get: async () => undefined,
    create: async () => ({ metadata }),
    patch: () => Promise.reject(new Error("503")),
  };
  const store = clusterLease(client, { namespace: "n", name: "l" }, () => (answers += 1));
  const now = new Date(0);
  const lease = { holder: "a", durationSeconds: 15, acquired: now, renewed: now, transitions: 0 };
  await store.read(never);
  await store.create(lease, never);
  await expect(store.replace("6", lease, never)).rejects.toThrow("503");
  expect(answers).toBe(2);
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApiClient } from "../../controller/adapters/kubernetes/api-client.ts";
import type { ApiConnection } from "../../controller/adapters/kubernetes/connection.ts";
import { connectByKubeconfig } from "../../controller/adapters/kubernetes/kubeconfig.ts";
import { clusterLease } from "../../controller/adapters/kubernetes/lease-store.ts";
import { createReflector } from "../../controller/adapters/kubernetes/reflector.ts";
import { PODS, type Resource } from "../../controller/adapters/kubernetes/resource.ts";
import { systemClock } from "../../controller/adapters/system-clock.ts";
import { ReleaseError } from "../../controller/domain/errors.ts";
import { LEASE_TIMES } from "../../controller/domain/lease.ts";
import { silentLogger } from "../../controller/ports/logger.ts";
import { waitForLeadership } from "../../controller/reconciler/leader-election.ts";
import { kubernetesApiContract } from "../contracts/kubernetes-api-contract.ts";
import { silentMetrics } from "../fakes/silent-metrics.ts";
import { type Cluster, killPart } from "./cluster/cluster.ts";
import { takeDown } from "./cluster/down.ts";
import { runJob } from "./cluster/jobs.ts";
import { bringUp } from "./cluster/up.ts";

const NAME = "kubernetes-api";
const CONFIG_MAPS: Resource = { group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true };
const { signal } = new AbortController();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
let cluster: Cluster;
let connection: ApiConnection;

beforeAll(async () => {
  await takeDown(NAME, signal);
  cluster = await bringUp(NAME, { say, signal });
  connection = await connectByKubeconfig(cluster.kubeconfig);
});
afterAll(() => takeDown(NAME, signal));

/** Waits until something holds; the test's own limit ends it otherwise. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((later) => setTimeout(later, 50));
}

/** A new API server knows no history: its caches begin with what it finds. */
async function restartServer(): Promise<void> {
  const api = createApiClient(connection);
  const uidOf = async () =>
    (await api.get({ resource: CONFIG_MAPS, namespace: "default", name: "up" }, signal))?.metadata.uid;
  await api.apply(CONFIG_MAPS, { metadata: { namespace: "default", name: "up" } }, { manager: "t" }, signal);
  await killPart(cluster, "kube-apiserver");
  await until(() =>
    uidOf().then(
      (uid) => uid !== undefined,
      () => false,
    ),
  );
}

kubernetesApiContract("Kubernetes", async () => ({ connection, forget: restartServer, end: async () => undefined }));

describe("on a real cluster", () => {
  it("the log of a container is read from its end", async () => {
    await runJob(cluster, { name: "talks", script: "echo one; echo two; echo three" });
    const api = createApiClient(connection);
    const of = { resource: PODS, namespace: "default", labelSelector: "app=talks" };
    const { items } = await api.list({ ...of, limit: 10 }, signal);
    const ref = { resource: PODS, namespace: "default", name: items[0]?.metadata.name ?? "" };
    const options = { container: "main", lines: 2, bytes: 4096 };
    expect(await api.podLog(ref, options, signal)).toBe("two\nthree\n");
    expect(await api.podLog({ ...ref, name: "gone" }, options, signal)).toBeUndefined();
  });

  it("a reflector and a leader outlive the API server's restart, and nothing is missed or told twice", async () => {
    const api = createApiClient(connection);
    const metadata = (name: string) => ({ namespace: "default", name, labels: { restart: "yes" } });
    const put = (name: string, n: string) =>
      api.apply(CONFIG_MAPS, { metadata: metadata(name), data: { n } }, { manager: "t" }, signal);
    /** The same, once there is an API server again. */
    const putAtLast = (name: string, n: string) =>
      until(() =>
        put(name, n).then(
          () => true,
          (fault: unknown) => {
            if (fault instanceof ReleaseError && fault.code === "ClusterUnavailable") return false;
            throw fault;
          },
        ),
      );
    const stop = new AbortController();
    const told: string[] = [];
    const causes: string[] = [];
    const reflector = createReflector({
      client: api,
      of: { resource: CONFIG_MAPS, namespace: "default", labelSelector: "restart=yes" },
      keep: (object) => (object["data"] as { n: string }).n,
      onChange: ({ key, after }) => void told.push(`${key} ${after ?? "gone"}`),
      ...{ clock: systemClock, random: Math.random, log: silentLogger },
      metrics: { ...silentMetrics, watchRestarted: (_resource, cause) => void causes.push(cause) },
    });
    const running = reflector.run(stop.signal);
    const store = clusterLease(api, { namespace: "default", name: "restart" });
    const election = {
      store,
      clock: systemClock,
      identity: "a",
      times: LEASE_TIMES,
      log: silentLogger,
      random: Math.random,
    };
    await put("a", "1");
    await reflector.synced;
    const term = await waitForLeadership(election, stop.signal);
    await killPart(cluster, "kube-apiserver");
    await putAtLast("a", "2");
    await put("b", "1");
    await until(() => told.length === 3);
    expect(told).toEqual(["default/a 1", "default/a 2", "default/b 1"]);
    expect(causes.length).toBeGreaterThan(0);
    // the lease may have run out while nobody answered; then it says so, and another term begins
    const again = term.isLeader() ? term : await waitForLeadership({ ...election, identity: "b" }, stop.signal);
    expect([again.isLeader(), again === term || again.fence > term.fence]).toEqual([true, true]);
    await again.release();
    stop.abort();
    await running;
  });
});

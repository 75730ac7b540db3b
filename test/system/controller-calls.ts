import { createApiClient, type ApiClient } from "../../controller/adapters/kubernetes/api-client.ts";
import { clusterJobs } from "../../controller/adapters/kubernetes/cluster-jobs.ts";
import { clusterNodes } from "../../controller/adapters/kubernetes/cluster-nodes.ts";
import type { ApiConnection } from "../../controller/adapters/kubernetes/connection.ts";
import { createEventRecorder } from "../../controller/adapters/kubernetes/event-recorder.ts";
import { clusterLease } from "../../controller/adapters/kubernetes/lease-store.ts";
import { objectData } from "../../controller/adapters/kubernetes/object-data.ts";
import { createReflector } from "../../controller/adapters/kubernetes/reflector.ts";
import { releaseHold } from "../../controller/adapters/kubernetes/release-hold.ts";
import { CLASSES, RELEASES, SOURCES } from "../../controller/adapters/kubernetes/release-kinds.ts";
import { releaseStore } from "../../controller/adapters/kubernetes/release-store.ts";
import { JOBS, PODS, type Resource } from "../../controller/adapters/kubernetes/resource.ts";
import { statusWriter } from "../../controller/adapters/kubernetes/status-writer.ts";
import { systemClock } from "../../controller/adapters/system-clock.ts";
import { fetchJob } from "../../controller/domain/jobs/fetch-job.ts";
import { releaseSelector } from "../../controller/domain/jobs/object-labels.ts";
import { runClaim } from "../../controller/domain/jobs/run-claim.ts";
import { folderContent, releaseObject } from "../../controller/domain/release-object.ts";
import { demoFolder } from "../fakes/cluster-objects.ts";
import { demoFetchPod, demoJobContext } from "../fakes/job-context.ts";
import { recordedLogger } from "../fakes/recorded-logger.ts";
import { silentMetrics } from "../fakes/silent-metrics.ts";
import { eventually } from "./cluster/eventually.ts";

/** A client of the API server that keeps which calls it made, as rights.ts names them. */
export function recordedClient(connection: ApiConnection) {
  const calls: { readonly verb: string; readonly resource: string }[] = [];
  const client = createApiClient(connection, {
    onCall: ({ verb, place: { resource, subresource } }) => {
      const whole = [resource.plural, resource.group].filter((part) => part !== "").join(".");
      calls.push({ verb, resource: subresource === undefined ? whole : `${whole}/${subresource}` });
    },
  });
  return { client, calls };
}

/** Follows a kind until it was listed and is watched. @throws what the API server refuses */
async function follow(client: ApiClient, resource: Resource, namespace: string, signal: AbortSignal): Promise<void> {
  const end = new AbortController();
  let watched = false;
  const told: Pick<ApiClient, "list" | "watch"> = {
    list: client.list,
    watch: (of, limit) => {
      watched = true;
      return client.watch(of, limit);
    },
  };
  const { log, records } = recordedLogger();
  const reflector = createReflector({
    ...{ client: told, of: { resource, namespace }, keep: () => 0, onChange: () => undefined },
    ...{ clock: systemClock, random: () => 0, log, metrics: silentMetrics },
  });
  const ended = reflector.run(AbortSignal.any([end.signal, signal]));
  try {
    await eventually(`${resource.plural} are watched`, { seconds: 20, signal }, async () => watched);
    await new Promise((soon) => setTimeout(soon, 500)); // what is refused is refused by then
  } finally {
    end.abort();
    await ended;
  }
  if (records.length > 0) throw new Error(JSON.stringify(records));
}

/** All that is done in the controller's own namespace. `uidOf` asks an admin: the controller knows uids from its watch. */
async function callsOfOwn(
  client: ApiClient,
  namespace: string,
  uidOf: (resource: Resource, name: string) => Promise<string>,
  signal: AbortSignal,
): Promise<void> {
  for (const kind of [RELEASES, CLASSES, SOURCES]) await follow(client, kind, namespace, signal);
  const store = releaseStore(client, { values: () => [].values() }, namespace);
  const from = { name: "releases", namespace, repository: "https://git.example/acme/releases.git", path: "specs" };
  const object = releaseObject(from, folderContent(demoFolder()), "a".repeat(40));
  await store.apply(object, signal);
  await store.markOrphaned("demo", true, signal);
  const release = { namespace, name: "demo", uid: await uidOf(RELEASES, "demo") };
  const hold = releaseHold(client);
  await hold.hold(release, signal);
  await hold.letGo(release, signal);
  await statusWriter(client, RELEASES).write(release, { phase: "Admitting" }, signal);
  const source = { namespace, name: "releases", uid: await uidOf(SOURCES, "releases") };
  await statusWriter(client, SOURCES).write(source, { observedGeneration: 1 }, signal);

  const lease = clusterLease(client, { namespace, name: "imgrel-controller" });
  const now = new Date();
  const held = { holder: "a", durationSeconds: 15, acquired: now, renewed: now, transitions: 0 };
  if ((await lease.read(signal)) === undefined) await lease.create(held, signal);
  const { version } = (await lease.read(signal)) ?? { version: "" };
  await lease.replace(version, { ...held, holder: "" }, signal);

  const { log, records } = recordedLogger();
  const events = createEventRecorder({ client, clock: systemClock, log, instance: "test" });
  const about = { apiVersion: "releases.powernode.io/v1alpha1", kind: "DiskImageRelease", ...release };
  for (const _ of [1, 2]) events.record(about, { type: "Normal", reason: "Accepted", action: "Admitted", note: "x" });
  await events.settled();
  if (records.length > 0) throw new Error(JSON.stringify(records));

  const data = objectData(client, namespace, systemClock);
  for (const name of ["signing-key", "registry", "git", "record-signing-key"]) await data.secret(name, signal);
  await data.text("ConfigMap", { name: "spec-signers" }, "allowed_signers", signal);
}

/** All that is done in a namespace of builds. */
async function callsOfBuilds(client: ApiClient, signal: AbortSignal): Promise<void> {
  const context = demoJobContext();
  const { namespace } = context.settings;
  for (const kind of [JOBS, PODS]) await follow(client, kind, namespace, signal);
  const cluster = clusterJobs(client, () => {
    throw new Error("nobody waits here");
  });
  const claim = runClaim(context, "amd64", 1);
  const job = fetchJob(context, demoFetchPod("amd64"), { attempt: 1, deadlineSeconds: 600 });
  const all = { namespace, selector: releaseSelector(context.identity.release) };
  await cluster.createClaim(claim, signal);
  await cluster.createJob(job, signal);
  const { name } = job.metadata;
  const made = await cluster.getJob({ namespace, name }, signal);
  await cluster.listEvents({ namespace, uid: made?.metadata.uid ?? "" }, signal);
  const found = await eventually("the Job has a pod", { seconds: 60, signal }, async () => {
    const [pod] = await cluster.listPods(all, signal);
    return pod;
  });
  await cluster.readLog({ namespace, pod: "nobody", container: "fetch", lines: 10 }, signal);
  const seen = [await cluster.listJobs(all, signal), await cluster.listClaims(all, signal)].map(({ length }) => length);
  if (seen.join() !== "1,1" || found.metadata.namespace !== namespace) throw new Error(`it sees ${seen.join()}`);
  await cluster.suspendJob({ namespace, name }, true, signal);
  await cluster.deleteJob({ namespace, name }, signal);
  await cluster.deleteJobs(all, signal);
  await cluster.deleteClaims(all, signal);
}

/** Everything that the controller asks of the API server, through its own adapters. */
export async function makeAllCalls(
  client: ApiClient,
  namespace: string,
  uidOf: (resource: Resource, name: string) => Promise<string>,
  signal: AbortSignal,
): Promise<void> {
  await callsOfOwn(client, namespace, uidOf, signal);
  await callsOfBuilds(client, signal);
  if ((await clusterNodes(client, systemClock)(signal)).length === 0) throw new Error("it sees no node");
}

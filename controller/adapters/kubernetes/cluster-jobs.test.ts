import { describe, expect, it } from "vitest";
import { demoJobContext, demoPublishPod } from "../../../test/fakes/job-context.ts";
import { completeJob, demoPod, terminated } from "../../../test/fakes/job-objects.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { publishJob } from "../../domain/jobs/publish-job.ts";
import { runClaim } from "../../domain/jobs/run-claim.ts";
import { clusterJobs, type JobCalls } from "./cluster-jobs.ts";

const { signal } = new AbortController();
const namespace = "imgrel-build";
const selector = "releases.powernode.io/release=noble-1";
const unexpected = () => Promise.reject(new Error("not asked"));

/** A client of which only some calls are expected; `asked`: what they got. */
function given(calls: Partial<JobCalls>) {
  const asked: unknown[] = [];
  const noted = Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [
      name,
      (...args: readonly unknown[]) => {
        asked.push([name, ...args.slice(0, -1)]);
        return (call as (...args: readonly unknown[]) => unknown)(...args);
      },
    ]),
  ) as Partial<JobCalls>;
  const none: JobCalls = {
    list: unexpected,
    get: unexpected,
    create: unexpected,
    patch: unexpected,
    remove: unexpected,
    removeAll: unexpected,
    podLog: unexpected,
  };
  return {
    cluster: clusterJobs({ ...none, ...noted }, () => ({ next: unexpected, [Symbol.dispose]: () => undefined })),
    asked,
  };
}

/** The client's own error of an object that is there. */
const exists = new ReleaseError("ObjectExists", "there", "-");

describe("clusterJobs", () => {
  it("reads all pages of what has the labels, and of it what counts", async () => {
    const pod = demoPod({
      status: { phase: "Succeeded", containerStatuses: [terminated("build", 0, "Completed", "{}")] },
    });
    const more = { ...pod, apiVersion: "v1", spec: { ...pod.spec, tolerations: [] } };
    const { cluster, asked } = given({
      list: async ({ from }) => (from === undefined ? { items: [more], continue: "next" } : { items: [more] }),
    });
    expect(await cluster.listPods({ namespace, selector }, signal)).toEqual([pod, pod]);
    const page = { namespace, labelSelector: selector, limit: 500 };
    expect(asked).toMatchObject([
      ["list", { ...page, resource: { plural: "pods" } }],
      ["list", { ...page, from: "next" }],
    ]);
  });
  it("reads Jobs, one or all, or none", async () => {
    const { cluster } = given({ list: async () => ({ items: [completeJob()] }), get: async () => completeJob() });
    expect(await cluster.listJobs({ namespace, selector }, signal)).toEqual([completeJob()]);
    expect(await cluster.getJob({ namespace, name: "dir-x-b1-1" }, signal)).toEqual(completeJob());
    expect(await given({ get: async () => undefined }).cluster.getJob({ namespace, name: "x" }, signal)).toBeNull();
  });
  it("reads events about one object, new and old ones", async () => {
    const event = { involvedObject: { kind: "Pod", uid: "pod-1" }, reason: "FailedScheduling", message: "no node" };
    const items = [
      { ...event, lastTimestamp: "2026-11-26T03:00:00Z", eventTime: null },
      { ...event, lastTimestamp: null, eventTime: "2026-11-26T03:01:00.000000Z" },
      event,
    ];
    const { cluster, asked } = given({ list: async () => ({ items }) });
    expect(await cluster.listEvents({ namespace, uid: "pod-1" }, signal)).toEqual([
      { ...event, lastTimestamp: "2026-11-26T03:00:00Z" },
      { ...event, lastTimestamp: "2026-11-26T03:01:00.000000Z" },
      event,
    ]);
    expect(asked).toMatchObject([["list", { fieldSelector: "involvedObject.uid=pod-1" }]]);
  });
  it("tells whether a Job or claim was created or is there, and throws anything else", async () => {
    const job = publishJob(demoJobContext(), demoPublishPod(), { attempt: 1, deadlineSeconds: 60 });
    const claim = runClaim(demoJobContext(), "amd64", 1);
    const there = given({ create: () => Promise.reject(exists) }).cluster;
    expect([await there.createJob(job, signal), await there.createClaim(claim, signal)]).toEqual(["exists", "exists"]);
    const { cluster, asked } = given({ create: async () => ({}) });
    expect([await cluster.createJob(job, signal), await cluster.createClaim(claim, signal)]).toEqual([
      "created",
      "created",
    ]);
    expect(asked).toMatchObject([
      ["create", { group: "batch", plural: "jobs" }, job],
      ["create", { group: "", plural: "persistentvolumeclaims" }, claim],
    ]);
    const refused = new ReleaseError("Unauthorized", "403", "-");
    await expect(given({ create: () => Promise.reject(refused) }).cluster.createJob(job, signal)).rejects.toBe(refused);
  });
  it("deletes by name or labels, and reads the end of a log, empty if the pod is gone", async () => {
    const gone = async () => undefined;
    const { cluster, asked } = given({ remove: gone, removeAll: gone, podLog: gone });
    await cluster.deleteJob({ namespace, name: "a" }, signal);
    await cluster.deleteJobs({ namespace, selector }, signal);
    await cluster.deleteClaims({ namespace, selector }, signal);
    expect(await cluster.readLog({ namespace, pod: "p", container: "build", lines: 40 }, signal)).toBe("");
    expect(asked).toMatchObject([
      ["remove", { resource: { plural: "jobs" }, namespace, name: "a" }, {}],
      ["removeAll", { resource: { plural: "jobs" }, namespace, labelSelector: selector }],
      ["removeAll", { resource: { plural: "persistentvolumeclaims" }, namespace, labelSelector: selector }],
      ["podLog", { resource: { plural: "pods" }, namespace, name: "p" }, { container: "build", lines: 40 }],
    ]);
  });
  it("suspends a Job by its name, and lets it go on; one that is gone is no error", async () => {
    const { cluster, asked } = given({ patch: async () => undefined });
    await cluster.suspendJob({ namespace, name: "a" }, true, signal);
    await cluster.suspendJob({ namespace, name: "a" }, false, signal);
    expect(asked).toMatchObject([
      ["patch", { resource: { plural: "jobs" }, namespace, name: "a" }, { spec: { suspend: true } }, {}],
      ["patch", { resource: { plural: "jobs" }, namespace, name: "a" }, { spec: { suspend: false } }, {}],
    ]);
    const failing = (code: "NotFound" | "Unauthorized") =>
      given({ patch: () => Promise.reject(new ReleaseError(code, "no", "-")) }).cluster;
    await failing("NotFound").suspendJob({ namespace, name: "a" }, true, signal);
    const refused = failing("Unauthorized").suspendJob({ namespace, name: "a" }, true, signal);
    await expect(refused).rejects.toMatchObject({ code: "Unauthorized" });
  });
  it("refuses what is no such object", async () => {
    const { cluster } = given({ list: async () => ({ items: [{ metadata: {} }] }) });
    await expect(cluster.listJobs({ namespace, selector }, signal)).rejects.toMatchObject({ code: "Internal" });
  });
});

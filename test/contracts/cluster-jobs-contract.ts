import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { JobSettings } from "../../controller/domain/jobs/job-settings.ts";
import { attemptsSelector, releaseSelector, runSelector } from "../../controller/domain/jobs/object-labels.ts";
import { publishJob } from "../../controller/domain/jobs/publish-job.ts";
import { runClaim } from "../../controller/domain/jobs/run-claim.ts";
import type { ClusterJobs } from "../../controller/ports/cluster-jobs.ts";
import { demoJobContext, demoPublishPod } from "../fakes/job-context.ts";

const { signal } = new AbortController();
const names = (found: readonly { readonly metadata: { readonly name: string } }[]): string[] =>
  found.map(({ metadata }) => metadata.name).toSorted();

/** Objects of a release of its own: nobody else's have its labels. */
function releaseIn(settings: Partial<JobSettings>) {
  const demo = demoJobContext(settings);
  const { namespace } = demo.settings;
  const release = `r-${randomUUID().slice(0, 8)}`;
  const context = { ...demo, identity: { ...demo.identity, release } };
  return {
    namespace,
    all: { namespace, selector: releaseSelector(release) },
    run: (number: number) => ({ namespace, selector: runSelector(release, "amd64", number) }),
    attempts: { namespace, selector: attemptsSelector(release, { step: "publish", arch: "amd64", run: 1 }) },
    job: (run = 1) => publishJob(context, demoPublishPod({ run }), { attempt: 1, deadlineSeconds: 600 }),
    claim: (run = 1) => runClaim(context, "amd64", run),
  };
}

/**
 * What every {@link ClusterJobs} does.
 * @param open gives one, and the settings of Jobs that it takes; whether their pods ever run does not matter
 */
export function clusterJobsContract(
  name: string,
  open: () => Promise<{ readonly cluster: ClusterJobs; readonly settings: Partial<JobSettings> }>,
): void {
  const given = async () => {
    const { cluster, settings } = await open();
    return { cluster, ...releaseIn(settings) };
  };

  describe(`Jobs of a cluster: ${name}`, () => {
    it("makes a Job once, and tells what it is", async () => {
      const { cluster, namespace, job } = await given();
      const { metadata } = job();
      const of = { namespace, name: metadata.name };
      expect(await cluster.getJob(of, signal)).toBeNull();
      expect(await cluster.createJob(job(), signal)).toBe("created");
      const made = await cluster.getJob(of, signal);
      expect(made?.metadata).toMatchObject({ ...of, labels: metadata.labels });
      expect(await cluster.createJob(job(), signal)).toBe("exists");
      expect((await cluster.getJob(of, signal))?.metadata.uid).toBe(made?.metadata.uid);
    });

    it("lists the Jobs that have all of the labels, and no others", async () => {
      const { cluster, all, run, job } = await given();
      for (const number of [1, 2]) await cluster.createJob(job(number), signal);
      expect(names(await cluster.listJobs(all, signal))).toEqual(names([job(1), job(2)]));
      expect(names(await cluster.listJobs(run(2), signal))).toEqual(names([job(2)]));
      expect(await cluster.listJobs(run(3), signal)).toEqual([]);
    });

    it("deletes one Job, or all of some labels, or none", async () => {
      const { cluster, namespace, all, run, job } = await given();
      for (const number of [1, 2, 3]) await cluster.createJob(job(number), signal);
      await cluster.deleteJob({ namespace, name: job(1).metadata.name }, signal);
      await cluster.deleteJob({ namespace, name: job(1).metadata.name }, signal);
      expect(names(await cluster.listJobs(all, signal))).toEqual(names([job(2), job(3)]));
      for (const _ of ["twice", "the second time there is none"]) await cluster.deleteJobs(run(2), signal);
      expect(names(await cluster.listJobs(all, signal))).toEqual(names([job(3)]));
      expect(await cluster.createJob(job(2), signal)).toBe("created");
    });

    it("suspends a Job, whose pods go and which stays, and lets it go on", async () => {
      const { cluster, namespace, attempts, job } = await given();
      using news = cluster.follow(attempts);
      await cluster.createJob(job(), signal);
      const of = { namespace, name: job().metadata.name };
      const pods = () => cluster.listPods(attempts, signal);
      const untilPods = async () => {
        while ((await pods()).length === 0) await news.next(signal);
      };
      await untilPods();
      const made = await cluster.getJob(of, signal);
      expect(made?.spec?.suspend).toBe(false);
      for (const _ of ["twice", "the second time it is"]) await cluster.suspendJob(of, true, signal);
      await expect.poll(pods, { timeout: 60_000 }).toEqual([]);
      expect(await cluster.listJobs(attempts, signal)).toMatchObject([
        { metadata: { uid: made?.metadata.uid }, spec: { suspend: true } },
      ]);
      await cluster.suspendJob(of, false, signal);
      await untilPods();
      const resumed = await cluster.getJob(of, signal);
      expect([resumed?.metadata.uid, resumed?.spec?.suspend]).toEqual([made?.metadata.uid, false]);
      await cluster.suspendJob({ ...of, name: "none" }, true, signal);
    });

    it("makes a claim once, lists claims by their labels, and deletes them", async () => {
      const { cluster, all, run, claim } = await given();
      expect(await cluster.createClaim(claim(1), signal)).toBe("created");
      expect(await cluster.createClaim(claim(1), signal)).toBe("exists");
      await cluster.createClaim(claim(2), signal);
      expect(names(await cluster.listClaims(all, signal))).toEqual(names([claim(1), claim(2)]));
      await cluster.deleteClaims(run(1), signal);
      const left = () => cluster.listClaims(all, signal);
      await expect.poll(async () => names(await left()), { timeout: 60_000 }).toEqual(names([claim(2)]));
    });

    it("has news of a Job's pods, which name the Job as their owner", async () => {
      const { cluster, attempts, run, job } = await given();
      using news = cluster.follow(attempts);
      await cluster.createJob(job(), signal);
      const pods = () => cluster.listPods(attempts, signal);
      while ((await pods()).length === 0) await news.next(signal);
      const [made] = await cluster.listJobs(attempts, signal);
      expect((await pods())[0]?.metadata.ownerReferences).toMatchObject([{ kind: "Job", uid: made?.metadata.uid }]);
      expect(await cluster.listPods(run(2), signal)).toEqual([]);
    });

    it("has news of a Job that is gone", async () => {
      const { cluster, attempts, job } = await given();
      using news = cluster.follow(attempts);
      await cluster.createJob(job(), signal);
      await news.next(signal);
      const since = performance.now();
      const next = news.next(signal);
      await cluster.deleteJobs(attempts, signal);
      await next;
      expect(performance.now() - since).toBeLessThan(50_000); // a minute is what it takes without news
    });

    it("knows nothing of pods and events that are not there", async () => {
      const { cluster, namespace } = await given();
      const pod = { namespace, pod: "none", container: "build", lines: 5 };
      expect(await cluster.readLog(pod, signal)).toBe("");
      expect(await cluster.listEvents({ namespace, uid: randomUUID() }, signal)).toEqual([]);
    });

    it("ends with the reason of whoever gives up", async () => {
      const { cluster, all, job } = await given();
      const reason = new Error("given up");
      const over = AbortSignal.abort(reason);
      using news = cluster.follow(all);
      for (const call of [
        () => cluster.createJob(job(), over),
        () => cluster.listJobs(all, over),
        () => cluster.deleteJobs(all, over),
        () => news.next(over),
      ]) {
        await expect(call()).rejects.toBe(reason);
      }
      expect(await cluster.listJobs(all, signal)).toEqual([]);
    });
  });
}

import { describe, expect, it } from "vitest";
import { demoJobContext } from "../../../test/fakes/job-context.ts";
import type { ObservedJob, ObservedPod } from "../../domain/jobs/kubernetes-objects.ts";
import { attemptsSelector, jobLabels, releaseSelector } from "../../domain/jobs/object-labels.ts";
import type { JobRef } from "../../domain/jobs/object-names.ts";
import { digestOf } from "../../../builders/contract/digest.ts";
import { releaseLooks } from "./release-looks.ts";

const never = new AbortController().signal;
const { identity, settings } = demoJobContext();
const { namespace } = settings;
const { release } = identity;
const FETCH: JobRef = { step: "fetch", arch: "amd64" };
const BUILD: JobRef = { step: "build", arch: "amd64", run: 1 };
const selectorOf = (ref: JobRef): string => attemptsSelector(release, ref);

const mark = { request: digestOf("request"), round: digestOf("round"), fencing: 1 };
const jobOf = (ref: JobRef, attempt = 1): ObservedJob => {
  const name = `${ref.step}-${attempt}`;
  return { metadata: { name, namespace, uid: name, labels: jobLabels(release, ref, { ...mark, attempt }) } };
};
const podOf = ({ metadata: { name } }: ObservedJob): ObservedPod => ({ metadata: { name: `${name}-x`, namespace } });

/** An API server whose lists are answered one by one, and pauses that end when a test says so. */
function given(jobs: readonly ObservedJob[]) {
  const there = [...jobs];
  const calls: string[] = [];
  const pauses: { readonly milliseconds: number; readonly end: () => void }[] = [];
  /** lists that are on their way */
  const open: (() => void)[] = [];
  let failure: Error | undefined;
  const list =
    <T>(what: string, items: () => readonly T[]) =>
    async (of: object, signal: AbortSignal): Promise<readonly T[]> => {
      expect(of).toEqual({ namespace, selector: releaseSelector(release) });
      calls.push(what);
      const seen = items(); // as it is when the list is asked for
      const answered = Promise.withResolvers<void>();
      open.push(answered.resolve);
      signal.addEventListener("abort", () => answered.reject(signal.reason));
      await answered.promise;
      if (failure !== undefined) throw failure;
      return seen;
    };
  const looks = releaseLooks(
    {
      cluster: { listJobs: list("jobs", () => [...there]), listPods: list("pods", () => there.map(podOf)) },
      pause: (milliseconds) => new Promise((end) => void pauses.push({ milliseconds, end })),
    },
    { namespace, release },
  );
  const soon = () => new Promise((later) => setImmediate(later));
  return {
    ...{ looks, there, calls, pauses },
    look: (ref: JobRef, urgent = true, signal = never) => looks.at(selectorOf(ref), urgent, signal),
    /** ends the pauses that there are */
    begin: async () => {
      for (const { end } of pauses.splice(0)) end();
      await soon();
    },
    /** answers what was asked, until nothing is asked any more */
    answer: async () => {
      while (open.length > 0) {
        for (const one of open.splice(0)) one();
        await soon();
      }
    },
    fail: (error: Error | undefined) => {
      failure = error;
    },
  };
}

describe("looks at a release", () => {
  it("show each who asks the attempts at his own Job, by one list for all", async () => {
    const [fetch, first, second] = [jobOf(FETCH), jobOf(BUILD, 1), jobOf(BUILD, 2)];
    const { look, calls, begin, answer } = given([first, fetch, second]);
    const asked = [look(FETCH), look(BUILD), look({ ...BUILD, run: 2 })];
    await begin();
    await answer();
    expect((await Promise.all(asked)).map(({ jobs }) => jobs)).toEqual([[fetch], [first, second], []]);
    expect((await asked[1])?.pods).toEqual([first, fetch, second].map(podOf));
    expect(calls).toEqual(["jobs", "pods"]);
  });
  it("list pods only if a Job is there that somebody looks for", async () => {
    const { look, calls, begin, answer } = given([jobOf(FETCH)]);
    const asked = look(BUILD);
    await begin();
    await answer();
    expect(await asked).toEqual({ jobs: [], pods: [] });
    expect(calls).toEqual(["jobs"]);
  });
  it("are never older than the question: who asks during one gets the next, which begins after it", async () => {
    const { look, there, calls, begin, answer } = given([]);
    const before = look(FETCH);
    await begin();
    there.push(jobOf(FETCH));
    const during = [look(FETCH), look(FETCH)];
    await begin();
    expect(calls).toEqual(["jobs"]);
    await answer();
    expect((await before).jobs).toEqual([]);
    expect((await Promise.all(during)).map(({ jobs }) => jobs.length)).toEqual([1, 1]);
    expect(calls).toEqual(["jobs", "jobs", "pods"]);
  });
  it("wait for others, but not where somebody is in a hurry", async () => {
    const { look, calls, pauses, begin, answer } = given([]);
    const patient = [look(FETCH, false), look(BUILD, false)];
    expect(pauses.map(({ milliseconds }) => milliseconds)).toEqual([1500]);
    const urgent = look(FETCH, true);
    expect(pauses.map(({ milliseconds }) => milliseconds)).toEqual([1500, 20]);
    pauses.shift();
    await begin();
    await answer();
    await Promise.all([...patient, urgent]);
    expect(calls).toEqual(["jobs"]);
  });
  it("fail for all who share one, and are looked at anew then", async () => {
    const { look, fail, begin, answer } = given([jobOf(FETCH)]);
    const asked = Promise.allSettled([look(FETCH), look(BUILD)]);
    fail(new Error("no answer"));
    await begin();
    await answer();
    expect((await asked).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    fail(undefined);
    const again = look(FETCH);
    await begin();
    await answer();
    expect((await again).jobs).toHaveLength(1);
  });
  it("go on while somebody waits, and are given up with the last one", async () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const { look, calls, begin, answer } = given([]);
    const asked = [look(FETCH, true, one.signal), look(BUILD, true, other.signal)];
    const ends = Promise.allSettled(asked);
    await begin();
    one.abort(new Error("one is over"));
    await expect(asked[0]).rejects.toThrow("one is over");
    await answer();
    expect((await ends).map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);

    const last = look(BUILD, true, other.signal);
    await begin();
    other.abort(new Error("all are over")); // its list is on its way, and ends
    await expect(last).rejects.toThrow("all are over");
    await expect(look(BUILD, true, other.signal)).rejects.toThrow("all are over");
    expect(calls).toEqual(["jobs", "jobs"]);
  });
  it("are not those that nobody waits for any more before they have begun", async () => {
    const over = new AbortController();
    const { look, calls, begin, answer } = given([]);
    const given_up = look(FETCH, false, over.signal);
    over.abort(new Error("over"));
    const next = look(BUILD);
    await expect(given_up).rejects.toThrow("over");
    await begin();
    await answer();
    expect((await next).jobs).toEqual([]);
    expect(calls).toEqual(["jobs"]);
  });
  it("let it be known what was absent, once there was one", async () => {
    const { look, looks, begin, answer } = given([jobOf(FETCH)]);
    expect(looks.wasAbsent(selectorOf(BUILD))).toBe(false);
    const asked = look(FETCH);
    await begin();
    await answer();
    await asked;
    expect([FETCH, BUILD].map((ref) => looks.wasAbsent(selectorOf(ref)))).toEqual([false, true]);
  });
});

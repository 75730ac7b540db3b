import { stageOfJob, stageOfPod } from "../../domain/jobs/job-outcome.ts";
import { ALL_OBJECTS, ownSelector } from "../../domain/jobs/object-labels.ts";
import { pause } from "../../ports/clock.ts";
import type { ClusterJobs } from "../../ports/cluster-jobs.ts";
import type { ApiObject } from "./api-object.ts";
import { JobObject, PodObject } from "./observed-objects.ts";
import { createReflector, type ReflectorOptions } from "./reflector.ts";
import { JOBS, PODS } from "./resource.ts";

/** What is kept of a Job or pod: whose it is, and how far it is. */
type Kept = { readonly selector: string; readonly stage: string };

export type JobNewsOptions = Pick<ReflectorOptions<Kept>, "client" | "clock" | "random" | "log" | "metrics"> & {
  /** how long the watches last that were begun */
  readonly signal: AbortSignal;
};

/** Milliseconds after which someone who waits looks in any case. */
const LONGEST = 60_000;
/** Milliseconds: the kubelet writes several times in a row, and one look is enough for all of them. */
const SETTLING = 500;

/** What cannot be read is at another stage with each version. */
const FOLLOWED = [
  {
    resource: JOBS,
    stage: (object: ApiObject): string => {
      const { data } = JobObject.safeParse(object);
      return data === undefined ? object.metadata.resourceVersion : stageOfJob(data);
    },
  },
  {
    resource: PODS,
    stage: (object: ApiObject): string => {
      const { data } = PodObject.safeParse(object);
      return data === undefined ? object.metadata.resourceVersion : stageOfPod(data);
    },
  },
] as const;

/**
 * News of Jobs and pods by two watches per namespace, begun when someone first follows a Job there: that one is at another
 * stage of its life, or gone. A new one of which nothing is known yet is none. Of the objects only labels and stage are
 * kept. A watch that breaks, or that the server refuses, is begun again and again; until it holds, those who
 * wait look once a minute.
 */
export function jobNews(options: JobNewsOptions): ClusterJobs["follow"] {
  const { clock, log, signal: life } = options;
  /** whom to wake, by namespace and selector */
  const followers = new Map<string, Map<string, Set<() => void>>>();

  function begin(namespace: string): Map<string, Set<() => void>> {
    const bySelector = new Map<string, Set<() => void>>();
    const wake = (selector: string): void => {
      for (const call of bySelector.get(selector) ?? []) call();
    };
    for (const { resource, stage } of FOLLOWED) {
      const reflector = createReflector({
        ...options,
        of: { resource, namespace, labelSelector: ALL_OBJECTS },
        keep: (object) => ({ selector: ownSelector(object.metadata.labels ?? {}), stage: stage(object) }),
        onChange: ({ before, after }) => {
          const isMoved = before?.selector !== after?.selector;
          if (after !== undefined && (isMoved ? after.stage !== "" : after.stage !== before?.stage))
            wake(after.selector);
          if (before !== undefined && isMoved) wake(before.selector);
        },
      });
      // what was deleted before the first list is in no list and in no watch
      const wakeAll = (): void => bySelector.keys().forEach(wake);
      void reflector.synced.then(wakeAll);
      void reflector.run(life).catch((fault: unknown) => {
        log.error("a watch ended", { resource: resource.plural, namespace, fault });
      });
    }
    return bySelector;
  }

  return ({ namespace, selector }) => {
    const bySelector = followers.get(namespace) ?? begin(namespace);
    followers.set(namespace, bySelector);
    const own = bySelector.get(selector) ?? new Set();
    bySelector.set(selector, own);
    let news = new AbortController();
    const wake = (): void => news.abort();
    own.add(wake);
    return {
      next: async (signal) => {
        await pause(clock, LONGEST, AbortSignal.any([signal, news.signal]));
        if (news.signal.aborted) await pause(clock, SETTLING, signal);
        signal.throwIfAborted();
        news = new AbortController(); // before the caller looks
      },
      [Symbol.dispose]: () => {
        if (own.delete(wake) && own.size === 0) bySelector.delete(selector);
      },
    };
  };
}

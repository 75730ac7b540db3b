import type { ObservedJob, ObservedPod } from "../../domain/jobs/kubernetes-objects.ts";
import { ownSelector, releaseSelector } from "../../domain/jobs/object-labels.ts";
import type { ClusterJobs } from "../../ports/cluster-jobs.ts";

/** The attempts at one Job, and pods, those of the attempts among them. */
export type Seen = { readonly jobs: readonly ObservedJob[]; readonly pods: readonly ObservedPod[] };

/** Looks at the Jobs of one release. `selector`: of the attempts at one Job (object-labels.ts). */
export type ReleaseLooks = {
  /**
   * What the API server says, asked now or within a moment.
   * @param urgent false: the look may wait a little for others who want to see something of the release
   * @throws what the cluster throws; the signal's reason
   */
  readonly at: (selector: string, urgent: boolean, signal: AbortSignal) => Promise<Seen>;
  /** whether there was no attempt when anybody looked last; before the first look nobody can say so */
  readonly wasAbsent: (selector: string) => boolean;
};

export type LookPorts = {
  readonly cluster: Pick<ClusterJobs, "listJobs" | "listPods">;
  /** waits so many milliseconds; throws the signal's reason if it fires */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
};

/** Milliseconds that a look waits for others: news of Jobs that began together come together. */
const GATHERING = { urgent: 20, other: 1500 } as const;

/** A look that has not begun: whoever asks meanwhile may have what it will see. */
type Coming = {
  /** what is looked for */
  readonly asked: Set<string>;
  readonly begin: () => void;
  readonly seen: Promise<Seen>;
  /** fires when nobody waits any more */
  readonly over: AbortController;
  waiting: number;
};

const selectorOf = ({ metadata: { labels } }: ObservedJob): string => ownSelector(labels ?? {});

/** Waits for a look as long as somebody wants it; it is given up with the last one. */
function wait(look: Coming, signal: AbortSignal): Promise<Seen> {
  look.waiting += 1;
  const left = Promise.withResolvers<never>();
  const leave = (): void => {
    look.waiting -= 1;
    if (look.waiting === 0) look.over.abort(signal.reason);
    left.reject(signal.reason);
  };
  signal.addEventListener("abort", leave, { once: true });
  return Promise.race([look.seen, left.promise]).finally(() => signal.removeEventListener("abort", leave));
}

/**
 * Looks that everybody shares who works on a release: one list of its Jobs, and one of its pods if a Job is there that
 * somebody looks for. An answer is never older than its question.
 */
export function releaseLooks(
  { cluster, pause }: LookPorts,
  { namespace, release }: { readonly namespace: string; readonly release: string },
): ReleaseLooks {
  const of = { namespace, selector: releaseSelector(release) };
  let last: Promise<unknown> = Promise.resolve();
  let next: Coming | undefined;
  /** selectors of the Jobs that the last look saw */
  let present: ReadonlySet<string> | undefined;

  async function look(asked: ReadonlySet<string>, signal: AbortSignal): Promise<Seen> {
    const jobs = await cluster.listJobs(of, signal);
    const found = new Set(jobs.map(selectorOf));
    present = found;
    const pods = asked.isDisjointFrom(found) ? [] : await cluster.listPods(of, signal);
    return { jobs, pods };
  }

  function announce(): Coming {
    const [asked, over, begun] = [new Set<string>(), new AbortController(), Promise.withResolvers<void>()];
    const before = last;
    const seen = begun.promise
      .then(() => before)
      .then(() => {
        if (next?.asked === asked) next = undefined;
        over.signal.throwIfAborted();
        return look(asked, over.signal);
      });
    last = seen.catch(() => undefined);
    return { asked, over, begin: begun.resolve, seen, waiting: 0 };
  }

  return {
    at: async (selector, urgent, signal) => {
      signal.throwIfAborted();
      const isNew = next === undefined || next.over.signal.aborted;
      const own = next === undefined || isNew ? announce() : next;
      next = own;
      own.asked.add(selector);
      if (isNew || urgent) {
        const { urgent: short, other } = GATHERING;
        pause(urgent ? short : other, own.over.signal).then(own.begin, own.begin);
      }
      const { jobs, pods } = await wait(own, signal);
      return { jobs: jobs.filter((job) => selectorOf(job) === selector), pods };
    },
    wasAbsent: (selector) => present !== undefined && !present.has(selector),
  };
}

import type { z } from "zod";
import { ReleaseError } from "../../domain/errors.ts";
import type { ClusterJobs, Creation, Selected } from "../../ports/cluster-jobs.ts";
import { JOBS, namespaced, PODS, type Resource } from "./resource.ts";
import { EventObject, JobObject, PodObject } from "./observed-objects.ts";

type Place = { readonly resource: Resource; readonly namespace: string; readonly name: string };
type SentObject = { readonly metadata: { readonly name: string; readonly namespace: string } };

/** The calls of an API client that Jobs need. Each is one request; an object that is there is a ReleaseError ObjectExists. */
export type JobCalls = {
  readonly list: (
    of: {
      readonly resource: Resource;
      readonly namespace: string;
      readonly labelSelector?: string;
      readonly fieldSelector?: string;
      readonly limit: number;
      readonly from?: string | undefined;
    },
    signal: AbortSignal,
  ) => Promise<{ readonly items: readonly unknown[]; readonly continue?: string }>;
  readonly get: (of: Place, signal: AbortSignal) => Promise<unknown>;
  readonly create: (resource: Resource, object: SentObject, signal: AbortSignal) => Promise<unknown>;
  readonly patch: (of: Place, patch: object, options: object, signal: AbortSignal) => Promise<unknown>;
  readonly remove: (of: Place, options: { readonly uid?: string }, signal: AbortSignal) => Promise<unknown>;
  readonly removeAll: (
    of: { readonly resource: Resource; readonly namespace: string; readonly labelSelector: string },
    signal: AbortSignal,
  ) => Promise<unknown>;
  readonly podLog: (
    of: Place,
    options: { readonly container: string; readonly lines: number; readonly bytes: number },
    signal: AbortSignal,
  ) => Promise<string | undefined>;
};

const CLAIMS = namespaced("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim");
const EVENTS = namespaced("", "v1", "events", "Event");

/** Objects of one answer; a release has far fewer. */
const PAGE = 500;
/** A boot's console and its result; a build's log is only read from its end. */
const LOG_BYTES = 16 * 1024 * 1024;

/**
 * Jobs of a cluster through its API.
 * @param follow as job-news.ts
 */
export function clusterJobs(calls: JobCalls, follow: ClusterJobs["follow"]): ClusterJobs {
  async function all<T>(
    resource: Resource,
    namespace: string,
    selector: { readonly labelSelector: string } | { readonly fieldSelector: string },
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T[]> {
    const found: T[] = [];
    let from: string | undefined;
    do {
      const page = await calls.list({ resource, namespace, ...selector, limit: PAGE, from }, signal);
      found.push(...page.items.map((item) => parsed(schema, resource, item)));
      from = page.continue;
    } while (from !== undefined);
    return found;
  }
  const labelled = <T>(
    resource: Resource,
    { namespace, selector }: Selected,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ) => all(resource, namespace, { labelSelector: selector }, schema, signal);
  const create = async (resource: Resource, object: SentObject, signal: AbortSignal): Promise<Creation> => {
    try {
      await calls.create(resource, object, signal);
      return "created";
    } catch (error) {
      if (error instanceof ReleaseError && error.code === "ObjectExists") return "exists";
      throw error;
    }
  };
  const removeAll = async (
    resource: Resource,
    { namespace, selector }: Selected,
    signal: AbortSignal,
  ): Promise<void> => {
    await calls.removeAll({ resource, namespace, labelSelector: selector }, signal);
  };
  return {
    createJob: (job, signal) => create(JOBS, job, signal),
    getJob: async (of, signal) => {
      const found = await calls.get({ resource: JOBS, ...of }, signal);
      return found === undefined ? null : parsed(JobObject, JOBS, found);
    },
    listJobs: (of, signal) => labelled(JOBS, of, JobObject, signal),
    suspendJob: async (of, suspend, signal) => {
      try {
        await calls.patch({ resource: JOBS, ...of }, { spec: { suspend } }, {}, signal);
      } catch (error) {
        if (!(error instanceof ReleaseError && error.code === "NotFound")) throw error;
      }
    },
    deleteJob: async (of, signal) => {
      await calls.remove({ resource: JOBS, ...of }, {}, signal);
    },
    deleteJobs: (of, signal) => removeAll(JOBS, of, signal),
    createClaim: (claim, signal) => create(CLAIMS, claim, signal),
    listClaims: (of, signal) => labelled(CLAIMS, of, JobObject, signal),
    deleteClaims: (of, signal) => removeAll(CLAIMS, of, signal),
    listPods: (of, signal) => labelled(PODS, of, PodObject, signal),
    listEvents: ({ namespace, uid }, signal) =>
      all(EVENTS, namespace, { fieldSelector: `involvedObject.uid=${uid}` }, EventObject, signal),
    readLog: async ({ namespace, pod, container, lines }, signal) => {
      const place = { resource: PODS, namespace, name: pod };
      return (await calls.podLog(place, { container, lines, bytes: LOG_BYTES }, signal)) ?? "";
    },
    follow,
  };
}

function parsed<T>(schema: z.ZodType<T>, { kind }: Resource, value: unknown): T {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data;
  const message = `the API server sent a ${kind} that cannot be read: ${error.message}`;
  throw new ReleaseError("Internal", message, "report this, with the version of the cluster");
}

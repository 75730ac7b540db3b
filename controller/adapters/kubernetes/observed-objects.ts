import { z } from "zod";
import type { ObservedEvent, ObservedJob, ObservedPod } from "../../domain/jobs/kubernetes-objects.ts";

// What is read of objects that the API server sends (kubernetes.io, API reference). All else of them is let go.

const text = z.string().exactOptional();

const Metadata = z.object({
  ...{ name: z.string(), namespace: z.string(), uid: z.string(), creationTimestamp: text, deletionTimestamp: text },
  labels: z.record(z.string(), z.string()).exactOptional(),
  ownerReferences: z
    .array(z.object({ kind: z.string(), uid: z.string(), controller: z.boolean().exactOptional() }))
    .exactOptional(),
});

const conditions = z
  .array(z.object({ type: z.string(), status: z.string(), reason: text, message: text, lastTransitionTime: text }))
  .exactOptional();

export const JobObject: z.ZodType<ObservedJob> = z.object({
  metadata: Metadata,
  spec: z.object({ suspend: z.boolean().exactOptional() }).exactOptional(),
  status: z.object({ startTime: text, conditions }).exactOptional(),
});

const containers = z
  .array(
    z.object({
      name: z.string(),
      state: z
        .object({
          waiting: z.object({ reason: text, message: text }).exactOptional(),
          running: z.object({ startedAt: text }).exactOptional(),
          terminated: z
            .object({ exitCode: z.int(), reason: text, message: text, startedAt: text, finishedAt: text })
            .exactOptional(),
        })
        .exactOptional(),
    }),
  )
  .exactOptional();

export const PodObject: z.ZodType<ObservedPod> = z.object({
  metadata: Metadata,
  spec: z.object({ nodeName: text }).exactOptional(),
  status: z
    .object({
      ...{ phase: text, reason: text, message: text, startTime: text, conditions },
      ...{ initContainerStatuses: containers, containerStatuses: containers },
    })
    .exactOptional(),
});

/** Times of an event may be null: an old one has no eventTime, a new one no lastTimestamp. */
const time = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);

export const EventObject = z
  .object({
    involvedObject: z.object({ kind: text, uid: text }),
    ...{ reason: text, message: text, lastTimestamp: time, eventTime: time },
  })
  .transform(({ lastTimestamp, eventTime, ...event }): ObservedEvent => {
    const at = lastTimestamp ?? eventTime;
    return at === undefined ? event : { ...event, lastTimestamp: at };
  });

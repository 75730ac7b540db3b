import { randomUUID } from "node:crypto";
import type { Clock } from "../../ports/clock.ts";
import type { EventRecorder, EventSubject } from "../../ports/event-recorder.ts";
import type { Logger } from "../../ports/logger.ts";
import type { ApiClient } from "./api-client.ts";
import { createEventSeries, type Sending } from "./event-series.ts";
import { microTime } from "./micro-time.ts";
import { EVENTS } from "./resource.ts";

/** Events that wait to be sent, at most; more are dropped: people read the conditions anyway. */
const MAX_WAITING = 1000;
/** Events that are sent at the same time; those about one object one after the other. */
const LANES = 8;
/** Characters of a note, by the API's own rule. */
const MAX_NOTE = 1024;
const SEND_LIMIT = 10_000;

type Options = {
  readonly client: Pick<ApiClient, "create" | "patch">;
  readonly clock: Clock;
  readonly log: Logger;
  /** this process: its pod's name */
  readonly instance: string;
};

/** Records Events of the cluster. What fails is logged and not tried again. */
export function createEventRecorder({ client, clock, log, instance }: Options): EventRecorder {
  const series = createEventSeries(randomUUID);
  let waiting = 0;
  let full = false;
  const lanes = Array.from({ length: LANES }, () => Promise.resolve());
  const laneOf = (uid: string): number => Array.from(uid).reduce((sum, one) => sum + one.charCodeAt(0), 0) % LANES;

  async function send(about: EventSubject, sending: Sending, fields: Record<string, unknown>, at: Date): Promise<void> {
    const { namespace } = about;
    const name = `${about.name.slice(0, 200)}.${sending.name}`;
    const signal = AbortSignal.timeout(SEND_LIMIT);
    if (sending.kind === "create") {
      const object = { metadata: { namespace, name }, eventTime: microTime(at), regarding: about, ...fields };
      await client.create(EVENTS, object, signal);
    } else {
      const patch = { series: { count: sending.count, lastObservedTime: microTime(at) } };
      await client.patch({ resource: EVENTS, namespace, name }, patch, {}, signal);
    }
  }

  return {
    record: (about, { type, reason, action, note }) => {
      if (waiting >= MAX_WAITING) {
        if (!full) log.warn("events are dropped, too many wait", { reason });
        full = true;
        return;
      }
      full = false;
      const key = JSON.stringify([about.uid, type, reason, action, note]);
      const sending = series.happened(key, clock.monotonic());
      const reporter = { reportingController: "imgrel", reportingInstance: instance.slice(0, 128) };
      const fields = { ...reporter, type, reason, action, note: note.slice(0, MAX_NOTE) };
      const at = clock.now();
      waiting += 1;
      const lane = laneOf(about.uid);
      lanes[lane] = (lanes[lane] ?? Promise.resolve())
        .then(() => send(about, sending, fields, at))
        .catch((fault: unknown) => {
          series.forget(key);
          log.warn("an event could not be recorded", { reason, fault });
        })
        .finally(() => void (waiting -= 1));
    },
    settled: async () => void (await Promise.all(lanes)),
  };
}

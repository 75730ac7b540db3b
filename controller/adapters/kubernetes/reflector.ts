import { ReleaseError } from "../../domain/errors.ts";
import { type Clock, pause } from "../../ports/clock.ts";
import type { ControllerMetrics, WatchCause } from "../../ports/controller-metrics.ts";
import type { Logger } from "../../ports/logger.ts";
import type { ObjectCache, ObjectChange } from "../../ports/object-cache.ts";
import { errorCode } from "../error-code.ts";
import type { ApiClient, Selection } from "./api-client.ts";
import type { ApiObject } from "./api-object.ts";
import { createMirror, type ServerTurn } from "./mirror.ts";
import type { ReflectorState } from "./reflector-state.ts";

export type ReflectorOptions<T> = {
  readonly client: Pick<ApiClient, "list" | "watch">;
  readonly of: Selection;
  /** what of an object is kept */
  readonly keep: (object: ApiObject) => T;
  readonly onChange: (change: ObjectChange<T>) => void;
  readonly clock: Clock;
  /** from 0 to 1 */
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: Pick<ControllerMetrics, "watchHeard" | "watchRestarted">;
  /** objects in one page of a list */
  readonly pageSize?: number;
};

export type Reflector<T> = {
  readonly cache: ObjectCache<T>;
  /** once all objects were read for the first time */
  readonly synced: Promise<void>;
  /** lists and watches until the signal fires; only what `onChange` or `keep` throws ends it otherwise */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** Seconds after which a watch is begun anew in any case, spread so that not all are at once. */
const watchSeconds = (random: number): number => Math.round(300 + 300 * random);

function causeOf(fault: unknown): WatchCause {
  if (!(fault instanceof ReleaseError)) return "refused";
  if (fault.code === "VersionExpired") return "expired";
  if (fault.code !== "ClusterUnavailable") return "refused";
  const { cause } = fault;
  if (typeof cause === "object" && cause !== null && "status" in cause) {
    return cause.status === 429 ? "throttled" : "server-error";
  }
  return errorCode(cause) === "ETIMEDOUT" ? "silence" : "reset";
}

/** Keeps a copy of all objects of a selection, and tells each change of it once. It never gives up. */
export function createReflector<T>(options: ReflectorOptions<T>): Reflector<T> {
  const { client, of, keep, onChange, clock, random, log, metrics, pageSize = 250 } = options;
  const { plural } = of.resource;
  const mirror = createMirror(keep, random);
  const synced = Promise.withResolvers<void>();

  /** One list call or one watch, to its end. */
  async function* turns(next: ReflectorState["next"], signal: AbortSignal): AsyncGenerator<ServerTurn> {
    try {
      if (next.do === "list") {
        yield { kind: "page", page: await client.list({ ...of, limit: pageSize, from: next.from }, signal) };
        return;
      }
      const { resourceVersion } = next;
      const events = client.watch({ ...of, resourceVersion, seconds: watchSeconds(random()) }, signal);
      for await (const event of events) yield { kind: "event", event };
      yield { kind: "ended" };
    } catch (fault) {
      if (signal.aborted) return;
      const cause = causeOf(fault);
      log.warn("a watch is begun anew", { resource: plural, cause, failures: mirror.state().failures + 1, fault });
      const retryAfter = fault instanceof ReleaseError ? fault.retryAfter : undefined;
      yield { kind: "failed", cause, ...(retryAfter === undefined ? {} : { retryAfter }) };
    }
  }

  function count(turn: ServerTurn): void {
    if (turn.kind === "page" || turn.kind === "event") metrics.watchHeard(plural, clock.now());
    else metrics.watchRestarted(plural, turn.kind === "ended" ? "ended" : turn.cause);
  }

  return {
    cache: mirror,
    synced: synced.promise,
    run: async (signal) => {
      while (!signal.aborted) {
        const { next, wait } = mirror.state();
        if (wait > 0) await pause(clock, wait, signal);
        if (signal.aborted) return;
        for await (const turn of turns(next, signal)) {
          count(turn);
          for (const change of mirror.take(turn)) onChange(change);
          if (mirror.hasSynced()) synced.resolve();
        }
      }
    },
  };
}

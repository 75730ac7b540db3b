import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../controller/ports/clock.ts";

type Planned = { readonly at: number; readonly call: () => void };

export type VirtualTime = {
  /** true milliseconds since the start */
  readonly now: () => number;
  /** calls after so many true milliseconds; the result takes that back */
  readonly after: (milliseconds: number, call: () => void) => () => void;
  /** a clock that runs `rate` times as fast as true time */
  readonly clock: (rate?: number) => Clock;
  /** lets so many true milliseconds pass; `onStep` is called after whatever happened at one moment has settled */
  readonly pass: (milliseconds: number, onStep?: () => void) => Promise<void>;
};

const START = Date.parse("2026-11-23T04:00:00Z");

/** Time that passes only when a test lets it, moment by moment. */
export function createVirtualTime(): VirtualTime {
  let now = 0;
  const planned = new Set<Planned>();
  const after: VirtualTime["after"] = (milliseconds, call) => {
    const entry = { at: now + Math.max(0, milliseconds), call };
    planned.add(entry);
    return () => planned.delete(entry);
  };
  /** The earliest; of several, the one planned first. */
  const next = (until: number): Planned | undefined => {
    let found: Planned | undefined;
    for (const entry of planned) if (entry.at <= until && (found === undefined || entry.at < found.at)) found = entry;
    return found;
  };
  return {
    now: () => now,
    after,
    clock: (rate = 1) => ({
      monotonic: () => now * rate,
      now: () => new Date(START + now * rate),
      after: (milliseconds, call) => after(milliseconds / rate, call),
    }),
    pass: async (milliseconds, onStep = () => undefined) => {
      const until = now + milliseconds;
      await turn();
      for (let entry = next(until); entry !== undefined; entry = next(until)) {
        now = entry.at;
        planned.delete(entry);
        entry.call();
        await turn();
        onStep();
      }
      now = until;
    },
  };
}

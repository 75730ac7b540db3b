/** An event that was sent: its object's name, how often it happened, and when it last did (monotonic milliseconds). */
type Series = { readonly name: string; readonly count: number; readonly last: number };

/** What to send: a new object, or a higher count for one that is there. */
export type Sending =
  | { readonly kind: "create"; readonly name: string }
  | { readonly kind: "count"; readonly name: string; readonly count: number };

export type EventSeries = {
  /** an event that is the same as others with this key, at this moment */
  readonly happened: (key: string, now: number) => Sending;
  /** its object could not be written: the next one makes another */
  readonly forget: (key: string) => void;
};

/** An event that did not happen for so long is a new one; its object stays in the cluster for an hour. */
const MAX_PAUSE = 10 * 60_000;
const MAX_KNOWN = 1000;

/** Counts what repeats itself, so that it makes no new object ("Event", series, of events.k8s.io/v1). */
export function createEventSeries(newName: () => string): EventSeries {
  const known = new Map<string, Series>(); // the one that happened longest ago first
  return {
    happened: (key, now) => {
      const before = known.get(key);
      known.delete(key);
      const goesOn = before !== undefined && now - before.last < MAX_PAUSE;
      const series = goesOn
        ? { ...before, count: before.count + 1, last: now }
        : { name: newName(), count: 1, last: now };
      known.set(key, series);
      const [oldest] = known.keys();
      if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
      return goesOn ? { kind: "count", ...series } : { kind: "create", name: series.name };
    },
    forget: (key) => void known.delete(key),
  };
}

import type { ProgressEvent } from "../../builders/contract/progress.ts";

/** When a step ran, in seconds since the first one started. */
export type ScheduledStep = {
  readonly step: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly cpuSeconds: number;
};

/** A progress event and when it came, seconds on any clock that does not jump. */
export type TimedEvent = { readonly event: ProgressEvent; readonly at: number };

/** Which step ran when, in order of their start. A step that never ended is left out. */
export function scheduleOf(events: readonly TimedEvent[]): ScheduledStep[] {
  const origin = events[0]?.at ?? 0;
  const open = new Map<string, number[]>();
  const steps: ScheduledStep[] = [];
  for (const { event, at } of events) {
    if (event.event === "started") open.set(event.step, [...(open.get(event.step) ?? []), at]);
    if (event.event !== "finished") continue;
    const started = open.get(event.step)?.pop();
    if (started === undefined) continue;
    const cpuSeconds = event.userSeconds + event.systemSeconds;
    steps.push({ step: event.step, startedAt: started - origin, endedAt: at - origin, cpuSeconds });
  }
  return steps.toSorted((a, b) => a.startedAt - b.startedAt || (a.step < b.step ? -1 : 1));
}

/** The schedule as lines: a bar per step on one time axis of `width` characters, so that waiting shows. */
export function scheduleLines(steps: readonly ScheduledStep[], width: number): string[] {
  const end = Math.max(1, ...steps.map(({ endedAt }) => endedAt));
  const nameWidth = Math.max(4, ...steps.map(({ step }) => step.length));
  const column = (at: number): number => Math.min(width - 1, Math.floor((at / end) * width));
  const head = `${"step".padEnd(nameWidth)}  ${"start".padStart(7)} ${"wall".padStart(7)} ${"CPU".padStart(7)}`;
  return [
    head,
    ...steps.map(({ step, startedAt, endedAt, cpuSeconds }) => {
      const bar = "#".repeat(Math.max(1, column(endedAt) - column(startedAt)));
      const times = [startedAt, endedAt - startedAt, cpuSeconds].map((seconds) => `${seconds.toFixed(1)}s`.padStart(7));
      return `${step.padEnd(nameWidth)}  ${times.join(" ")}  |${" ".repeat(column(startedAt))}${bar}`;
    }),
  ];
}

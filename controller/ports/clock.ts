/** Time as the parts of the controller see it. */
export type Clock = {
  /** milliseconds of a clock that only goes forward, also while the process is stopped; only differences mean anything */
  readonly monotonic: () => number;
  /** the time of day, which may jump */
  readonly now: () => Date;
  /** calls once after so many milliseconds of the monotonic clock; the result takes that back */
  readonly after: (milliseconds: number, call: () => void) => () => void;
};

/** Waits; ends early, without an error, when the signal fires. */
export async function pause(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const over = Promise.withResolvers<void>();
  const cancel = clock.after(milliseconds, over.resolve);
  const stop = () => over.resolve();
  signal.addEventListener("abort", stop, { once: true });
  await over.promise;
  signal.removeEventListener("abort", stop);
  cancel();
}

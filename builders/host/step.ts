import type { Report } from "../contract/progress.ts";

/** Processor seconds and size that a step accounts for; without them it shows its wall time only. */
export type StepCost = { readonly userSeconds?: number; readonly systemSeconds?: number; readonly bytes?: number };

/**
 * Runs one step and reports its start, its end and, if it throws, its failure.
 * @throws what `work` throws
 */
export async function timed<T>(
  report: Report,
  step: string,
  work: () => Promise<StepCost & { readonly value: T }>,
): Promise<T> {
  const started = process.hrtime.bigint();
  report({ event: "started", step });
  try {
    const { value, bytes, userSeconds = 0, systemSeconds = 0 } = await work();
    const wallSeconds = Number(process.hrtime.bigint() - started) / 1e9;
    report({
      event: "finished",
      step,
      wallSeconds,
      userSeconds,
      systemSeconds,
      ...(bytes === undefined ? {} : { bytes }),
    });
    return value;
  } catch (error) {
    report({ event: "failed", step, text: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

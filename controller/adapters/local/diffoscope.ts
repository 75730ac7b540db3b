import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { exec, type Outcome, PLAIN_ENV } from "../../../builders/host/exec.ts";
import type { DiffoscopeResult } from "../../domain/comparison-report.ts";

/** What a run of diffoscope may cost. It unpacks what it compares, so an artifact's size bounds its disk use too. */
export type DiffoscopeLimits = {
  readonly artifactBytes: number;
  readonly seconds: number;
  readonly reportBytes: number;
};

export const DIFFOSCOPE_LIMITS: DiffoscopeLimits = {
  artifactBytes: 512 * 1024 * 1024,
  seconds: 180,
  reportBytes: 1024 * 1024,
};

/** diffoscope(1): 0 no difference, 1 differences, else an error. */
const FOUND = 1;

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";
const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === "AbortError";

/**
 * diffoscope's text about two files, in `output`. Where it is not installed, gives up or would cost too much, the
 * result says so: it helps a person and decides nothing.
 * @throws NodeJS.ErrnoException if `output` cannot be written; the signal's reason if it fires
 */
export async function runDiffoscope(
  job: { readonly left: string; readonly right: string; readonly output: string },
  signal: AbortSignal,
  limits: DiffoscopeLimits = DIFFOSCOPE_LIMITS,
  program = "diffoscope",
): Promise<DiffoscopeResult> {
  const bytes = (await stat(job.left)).size + (await stat(job.right)).size;
  if (bytes > limits.artifactBytes * 2) {
    return { absent: `not run: both versions have ${bytes} bytes, more than ${limits.artifactBytes * 2}` };
  }
  await mkdir(dirname(job.output), { recursive: true });
  const temporary = await mkdtemp(join(dirname(job.output), ".diffoscope-"));
  await rm(job.output, { force: true });
  const deadline = AbortSignal.timeout(limits.seconds * 1000);
  let outcome: Outcome;
  try {
    outcome = await exec({
      program,
      args: [
        ...["--text", job.output, "--no-progress", "--exclude-directory-metadata", "recursive"],
        ...["--max-text-report-size", String(limits.reportBytes), "--", job.left, job.right],
      ],
      env: { ...PLAIN_ENV, TMPDIR: temporary, HOME: temporary },
      signal: AbortSignal.any([signal, deadline]),
    });
  } catch (error) {
    signal.throwIfAborted();
    if (isMissing(error)) return { absent: "not installed" };
    if (!isTimeout(error)) throw error;
    await rm(job.output, { force: true });
    return { absent: `gave up after ${limits.seconds} s` };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  const written = await stat(job.output).catch(() => undefined);
  if (outcome.exitCode === FOUND && written !== undefined) return { file: job.output };
  await rm(job.output, { force: true });
  const last = outcome.tail.trim().split("\n").at(-1) ?? "";
  return { absent: `ended with code ${outcome.exitCode}: ${last === "" ? "it printed nothing" : last}` };
}

/** Does the work of a script: tells its process ID, is told to stop by SIGTERM, and ends with exit code 1 for a fault. */
export async function runAsProcess(work: (stop: AbortSignal) => Promise<void>): Promise<never> {
  const stop = new AbortController();
  process.on("SIGTERM", () => stop.abort(new DOMException("SIGTERM", "AbortError")));
  process.stdout.write(`${process.pid}\n`);
  try {
    await work(stop.signal);
    process.exit(0);
  } catch (fault) {
    process.stderr.write(`${String(fault)}\n`);
    process.exit(1);
  }
}

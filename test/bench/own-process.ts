import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exec, type Outcome, PLAIN_ENV } from "../../builders/host/exec.ts";
import { PROJECT } from "../imgrel.ts";

/** Runs a script of the project with node to its end; `peakBytes` is the most memory that the process itself had. */
export async function nodeProcess(...args: readonly string[]): Promise<Outcome & { readonly peakBytes: number }> {
  const file = join(tmpdir(), `imgrel-peak-${process.pid}`);
  const kept = ["HOME", "XDG_CACHE_HOME", "http_proxy", "https_proxy", "no_proxy"].flatMap(
    (name): [string, string][] => (process.env[name] === undefined ? [] : [[name, process.env[name]]]),
  );
  const outcome = await exec({
    program: process.execPath,
    args: ["--import", join(PROJECT, "test/bench/peak-memory.ts"), ...args],
    cwd: PROJECT,
    env: { ...PLAIN_ENV, ...Object.fromEntries(kept), IMGREL_PEAK_FILE: file },
  });
  if (outcome.exitCode !== 0) throw new Error(`node ${args.join(" ")}: ${outcome.tail}`);
  const peakBytes = Number(await readFile(file, "utf8")) * 1024;
  await rm(file);
  return { ...outcome, peakBytes };
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "../contract/build-failure.ts";
import type { BootMessage } from "../contract/pod.ts";
import { readRequest, REQUEST_DIGEST_VARIABLE } from "../contract/pod.ts";
import { type Digest, digestOf } from "../contract/digest.ts";
import { logLines } from "../contract/log-file.ts";
import { BOOT_RESULT_FILE, SERIAL_LOG_FILE } from "./builder.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What a builder is asked: by its environment, as a boot pod is, or by the file at `path`. Where the environment names
 * the file's digest it must have that: in a pod somebody with a network brought it.
 * @throws BuildError InputDigestMismatch; SyntaxError; NodeJS.ErrnoException if there is no such file
 */
export async function readPodRequest(env: Environment, path: string): Promise<unknown> {
  const given = readRequest(env);
  if (given !== undefined) return given;
  const text = await readFile(path);
  const [wanted, found] = [env[REQUEST_DIGEST_VARIABLE], digestOf(text)];
  if (wanted !== undefined && wanted !== found) {
    throw new BuildError({
      code: "InputDigestMismatch",
      step: "request",
      message: `the request among the inputs is ${found}, the controller asked for ${wanted}`,
      remedy: "see who can write to the inputs repository; delete the release's fetch Job, so that it is done again",
    });
  }
  return JSON.parse(text.toString());
}

/** The CPUs that this process may use, as taskset(1) writes them. */
export async function allowedCpus(): Promise<string> {
  return /^Cpus_allowed_list:\s*(\S+)$/m.exec(await readFile("/proc/self/status", "utf8"))?.[1] ?? "";
}

/**
 * Puts a boot's evidence from the folder `work` into the pod's log, line by line.
 * @returns what the pod then tells the controller
 * @throws NodeJS.ErrnoException if a file cannot be read
 */
export async function logEvidence(work: string, artifact: Digest, print: (line: string) => void): Promise<BootMessage> {
  const [serial, result] = await Promise.all(
    [SERIAL_LOG_FILE, BOOT_RESULT_FILE].map((name) => readFile(join(work, name))),
  );
  if (serial === undefined || result === undefined) throw new RangeError("a boot leaves two files");
  for (const line of [...logLines(SERIAL_LOG_FILE, serial), ...logLines(BOOT_RESULT_FILE, result)]) print(line);
  const serialLog = digestOf(serial).slice("sha256:".length);
  return { schemaVersion: 1, artifact, result: digestOf(result), serialLog };
}

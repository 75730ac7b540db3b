import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { ReleaseError } from "../../../controller/domain/errors.ts";

export type Waiting = {
  readonly seconds: number;
  /** file whose last lines tell why it may not have come to pass */
  readonly log?: string;
  readonly signal?: AbortSignal;
};

/** What to say of a log: its last lines, as far as there is one. */
async function lastLines(log: string | undefined): Promise<string> {
  if (log === undefined) return "";
  const text = await readFile(log, "utf8").catch(() => ""); // nobody has written it
  const lines = text.trimEnd().split("\n").slice(-8);
  return `; the last lines of ${log}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

/**
 * Waits until `find` gives something other than false or undefined.
 * @throws ReleaseError BuildFailed if that is not within the time; the signal's reason if it fires
 */
export async function eventually<T>(
  what: string,
  { seconds, log, signal }: Waiting,
  find: () => Promise<T | false | undefined>,
): Promise<T> {
  for (const until = performance.now() + seconds * 1000; ; ) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > until) {
      throw new ReleaseError(
        "BuildFailed",
        `not within ${seconds} s: ${what}${await lastLines(log)}`,
        "read what the parts of the cluster say in its folder; npm run cluster:up -- --keep leaves it as it is",
      );
    }
    await sleep(100, undefined, signal === undefined ? {} : { signal });
  }
}

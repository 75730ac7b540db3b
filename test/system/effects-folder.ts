import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** One effect, in the order in which they came about. */
export type Effect = { readonly release: string; readonly key: string; readonly pid: number };

/**
 * What several processes did, one after the other or side by side, in files: as in a registry or in git nothing of it is
 * lost when one is killed. And the points where a test gets hold of them: `<release> <key> before` or `after`.
 */
export type EffectsFolder = {
  readonly add: (release: string, key: string) => void;
  readonly all: () => readonly Effect[];
  /** keys of a release's effects, in order; one that came about twice stands there twice */
  readonly of: (release: string) => readonly string[];
  /** the process that comes to this point is killed there, once */
  readonly killAt: (point: string) => void;
  /** whoever comes to this point waits there; the result lets it go on */
  readonly holdAt: (point: string) => () => void;
  /** whether a process came to this point */
  readonly reached: (point: string) => boolean;
  /** whether a process that waited there was told to stop */
  readonly left: (point: string) => boolean;
  /** what a process does at a point; @throws the reason of the signal, if it fires while it waits there */
  readonly passPoint: (point: string, signal: AbortSignal) => Promise<void>;
};

/** @param folder absolute path; made if it is not there */
export function effectsFolder(folder: string): EffectsFolder {
  const log = join(folder, "effects.log");
  const fileOf = (what: "kill" | "hold" | "reached" | "left", point: string): string =>
    join(folder, what, encodeURIComponent(point));
  for (const what of ["kill", "hold", "reached", "left"]) mkdirSync(join(folder, what), { recursive: true });
  const all = (): Effect[] => {
    if (!existsSync(log)) return [];
    const lines = readFileSync(log, "utf8").trimEnd().split("\n");
    return lines.map((line) => JSON.parse(line) as Effect);
  };
  return {
    all,
    add: (release, key) => appendFileSync(log, `${JSON.stringify({ release, key, pid: process.pid })}\n`),
    of: (release) => all().flatMap((one) => (one.release === release ? [one.key] : [])),
    killAt: (point) => writeFileSync(fileOf("kill", point), ""),
    holdAt: (point) => {
      writeFileSync(fileOf("hold", point), "");
      return () => rmSync(fileOf("hold", point));
    },
    reached: (point) => existsSync(fileOf("reached", point)),
    left: (point) => existsSync(fileOf("left", point)),
    passPoint: async (point, signal) => {
      writeFileSync(fileOf("reached", point), "");
      if (existsSync(fileOf("kill", point))) {
        unlinkSync(fileOf("kill", point));
        process.kill(process.pid, "SIGKILL");
      }
      try {
        while (existsSync(fileOf("hold", point))) await sleep(50, undefined, { signal });
      } catch (stopped) {
        writeFileSync(fileOf("left", point), "");
        throw stopped;
      }
    },
  };
}

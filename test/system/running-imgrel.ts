import { z } from "zod";
import { exec, type Outcome } from "../../builders/host/exec.ts";
import { PROJECT } from "../imgrel.ts";

/** One progress event, as the log of `--log json -v` tells it. */
const LoggedEvent = z.object({
  msg: z.literal("progress"),
  event: z.enum(["started", "action", "finished", "failed"]),
  step: z.string(),
  text: z.string().optional(),
  done: z.number().optional(),
});
export type LoggedEvent = z.infer<typeof LoggedEvent>;

/** An imgrel that runs. `pid` is its process, which leads a process group of its own. */
export type RunningImgrel = {
  readonly pid: () => number;
  readonly outcome: Promise<Outcome>;
};

function readEvent(line: string): LoggedEvent | undefined {
  try {
    return LoggedEvent.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/**
 * Starts the real command line in a session of its own, as a terminal would, and tells its progress and the lines of
 * its output as they come.
 */
export function startImgrel(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  told: {
    readonly onEvent?: (event: LoggedEvent) => void;
    readonly onLine?: (line: string) => void;
    /** each line of standard error */
    readonly onLog?: (line: string) => void;
  },
): RunningImgrel {
  let pid: number | undefined;
  const outcome = exec({
    program: "setsid",
    args: [
      "sh",
      "-c",
      'echo $$; exec "$@"',
      "sh",
      process.execPath,
      "controller/main.ts",
      "--log",
      "json",
      "-v",
      ...args,
    ],
    cwd: PROJECT,
    env,
    onLine: (line, stream) => {
      if (stream === "stderr") {
        told.onLog?.(line);
        const event = readEvent(line);
        if (event !== undefined) told.onEvent?.(event);
      } else if (pid === undefined) pid = Number(line);
      else told.onLine?.(line);
    },
  });
  return {
    pid: () => {
      if (pid === undefined) throw new Error("imgrel has not started yet");
      return pid;
    },
    outcome,
  };
}

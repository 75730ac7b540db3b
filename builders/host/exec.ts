import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { followFile } from "./follow-file.ts";
import { statFields } from "./process-identity.ts";

/** One program to run. There is no shell: `args` reach the program as they are. */
export type Command = {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** the whole environment of the program; nothing is inherited */
  readonly env?: Readonly<Record<string, string>>;
  /** text for standard input; without it standard input is empty */
  readonly input?: string;
  /** called for each line of standard output and standard error, in order of arrival */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
  /**
   * file that takes standard output as it comes, made anew; {@link Outcome.stdout} is empty then. For a program that
   * must never wait for its reader: a pipe that is full for a moment makes QEMU's serial port lose bytes
   * (hw/char/serial.c, MAX_XMIT_RETRY), and single bytes fill one fast.
   */
  readonly stdoutFile?: string;
  readonly signal?: AbortSignal;
};

/** How a program ended. Times are seconds of processor time of it and all its descendants that were waited for. */
export type Outcome = {
  readonly exitCode: number;
  readonly stdout: string;
  /** the last lines of both streams, at most 4 KiB */
  readonly tail: string;
  readonly wallSeconds: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
};

/** Environment for tools whose output we parse: no locale, no time zone, nothing of the caller's. */
export const PLAIN_ENV: Readonly<Record<string, string>> = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C.UTF-8",
  TZ: "UTC",
};

/** For a sandbox, whose processes end a moment after the one that was killed; milliseconds. */
const GRACE = 3000;

const MAX_STDOUT = 64 * 1024 * 1024;
const CLOCK_TICKS = 100; // USER_HZ, fixed in the Linux ABI that /proc reports in

/** Processor time of all children reaped so far: fields cutime and cstime of proc_pid_stat(5). */
function reapedTimes(): { user: number; system: number } {
  const fields = statFields(process.pid);
  return { user: Number(fields[13]) / CLOCK_TICKS, system: Number(fields[14]) / CLOCK_TICKS };
}

let charged = { user: 0, system: 0 };

/** The share of {@link reapedTimes} that nobody was charged for yet: called once per exit, it belongs to that child. */
function chargeReaped(): { user: number; system: number } {
  const now = reapedTimes();
  const share = { user: now.user - charged.user, system: now.system - charged.system };
  charged = now;
  return share;
}

function follow(
  stream: Readable,
  name: "stdout" | "stderr",
  onLine: (line: string, stream: "stdout" | "stderr") => void,
) {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", (line) => onLine(line, name));
}

/**
 * Runs a program to its end. An exit code other than 0 is an outcome, not an error; death by a signal counts as
 * 128 + its number.
 * @throws Error with `code: "ENOENT"` if the program does not exist; AbortError if `signal` fires: the child is killed,
 * and what it started and still has its output gets {@link GRACE} to end
 */
export function exec(command: Command): Promise<Outcome> {
  const started = process.hrtime.bigint();
  return new Promise((resolve, reject) => {
    const stdoutFd = command.stdoutFile === undefined ? undefined : openSync(command.stdoutFile, "w");
    const child = spawn(command.program, [...command.args], {
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
      env: { ...(command.env ?? PLAIN_ENV) },
      stdio: ["pipe", stdoutFd ?? "pipe", "pipe"],
      killSignal: "SIGKILL",
      ...(command.signal === undefined ? {} : { signal: command.signal }),
    });
    if (stdoutFd !== undefined) closeSync(stdoutFd); // the child has its own
    const stdout: string[] = [];
    let stdoutSize = 0;
    let tail = "";
    const onLine = (line: string, stream: "stdout" | "stderr") => {
      if (stream === "stdout" && command.stdoutFile === undefined) {
        stdoutSize += line.length + 1;
        if (stdoutSize > MAX_STDOUT) child.kill("SIGKILL");
        else stdout.push(line);
      }
      tail = `${tail}${line}\n`.slice(-4096);
      command.onLine?.(line, stream);
    };
    let fault: Error | undefined;
    child.on("error", (error) => (fault ??= error));
    // comes behind an error as well; a program that was killed on request has ended only then
    const ended = new Promise<void>((settle) => child.on("close", () => settle()));
    const followed =
      command.stdoutFile === undefined
        ? Promise.resolve()
        : followFile(command.stdoutFile, (line) => onLine(line, "stdout"), ended);
    followed.catch(reject);
    if (child.stdout !== null) follow(child.stdout, "stdout", onLine);
    if (child.stderr !== null) follow(child.stderr, "stderr", onLine);
    let usage = { user: 0, system: 0 };
    let grace: NodeJS.Timeout | undefined;
    child.on("exit", () => {
      usage = chargeReaped();
      if (fault === undefined) return;
      grace = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, GRACE);
    });
    // what was followed until then is told first; a file that cannot be read has rejected already
    const after = (then: () => void) => void followed.then(then, () => undefined);
    child.on("close", (code, signal) => {
      clearTimeout(grace);
      after(() => {
        if (fault !== undefined) {
          reject(fault);
          return;
        }
        if (stdoutSize > MAX_STDOUT) {
          reject(new Error(`${command.program} printed more than ${MAX_STDOUT} bytes`));
          return;
        }
        resolve({
          exitCode: code ?? 128 + (signal === null ? 0 : signalNumber(signal)),
          stdout: stdout.length === 0 ? "" : `${stdout.join("\n")}\n`,
          tail,
          wallSeconds: Number(process.hrtime.bigint() - started) / 1e9,
          userSeconds: usage.user,
          systemSeconds: usage.system,
        });
      });
    });
    child.stdin?.on("error", () => undefined); // a program may end without reading its input
    child.stdin?.end(command.input ?? "");
  });
}

/** A program that answers as long as it is asked. */
export type Conversation = {
  readonly say: (text: string) => void;
  /** no more will be said, and the program ends */
  readonly end: () => void;
  /** whether this process stays for its answers; without that, it may end, and the program ends with it */
  readonly awaitAnswers: (wanted: boolean) => void;
};

/**
 * Starts a program in `/` that is asked on its standard input and answers on its standard output.
 * @param onEnd told once, when it ended: what it said last on standard error, else its signal or exit code
 */
export function converse(
  { program, args, env = PLAIN_ENV }: Pick<Command, "program" | "args" | "env">,
  onAnswer: (piece: Buffer) => void,
  onEnd: (reason: string) => void,
): Conversation {
  const child = spawn(program, [...args], { cwd: "/", env: { ...env }, stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.on("error", ({ message }) => (said = message));
  child.stdout.on("data", onAnswer);
  child.stderr.on("data", (piece: Buffer) => (said = `${said}${piece.toString("utf8")}`.slice(-4096)));
  child.stdin.on("error", () => undefined); // it has ended: that is told by its end
  child.on("close", (code, ending) => onEnd(said === "" ? (ending ?? `exit code ${code}`) : said));
  const streams = [child.stdin, child.stdout, child.stderr].filter((stream) => stream instanceof Socket);
  return {
    say: (text) => void child.stdin.write(text),
    end: () => child.stdin.end(),
    awaitAnswers: (wanted) => {
      for (const one of [child, ...streams]) {
        if (wanted) one.ref();
        else one.unref();
      }
    },
  };
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};
const signalNumber = (signal: string): number => SIGNALS[signal] ?? 0;

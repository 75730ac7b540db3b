import { dirname } from "node:path";
import { BuildError, EXIT, exitCodeOf } from "../../builders/contract/build-failure.ts";
import { DISK_FULL_REMEDY } from "../../builders/host/disk-full.ts";
import { ReleaseError } from "../domain/errors.ts";
import { oneLine } from "../domain/format.ts";

/** How a command failed, in the words of its user. */
export type Failure = {
  readonly exitCode: number;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  /** the last lines of a tool that failed */
  readonly tail: readonly string[];
  /** not expected: where it came from matters to who mends it */
  readonly bug: boolean;
};

/** Faults of the machine that any command can meet: errno(3) names and what to do. */
const MACHINE_FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: DISK_FULL_REMEDY,
  EDQUOT: "free some space of your disk quota and run the command again",
  EACCES: "run the command as a user who may do this; building needs root",
  EPERM: "run the command as a user who may do this; building needs root",
  EROFS: "choose a place that is not on a read-only file system, or mount it writable",
  EMFILE: "raise the limit of open files (ulimit -n) and run the command again",
  EIO: "look at the kernel's messages (dmesg): the disk could not be read or written",
};

/** What mkdir(2) says where a file has the name of a folder, or of one above it. */
const IN_THE_WAY = ["EEXIST", "ENOTDIR"];

const remedyOf = (error: unknown, errno: string): string | undefined =>
  error instanceof Error && "syscall" in error && error.syscall === "mkdir" && IN_THE_WAY.includes(errno)
    ? "a file is where a folder belongs: move it away, or name another folder"
    : MACHINE_FAULTS[errno];

/** Faults that are those of a whole folder's file system, in words that go before the folder. */
const FOLDER_FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left in",
  EDQUOT: "the disk quota is used up in",
  EROFS: "nothing can be written in",
};

/** What happened to which folder, where that is what matters; else what Node says. */
function machineMessage(error: Error, errno: string): string {
  const words = FOLDER_FAULTS[errno];
  const path = "path" in error ? String(error.path) : undefined;
  return words === undefined || path === undefined ? error.message : `${words} ${dirname(path)} (${error.message})`;
}

const BUG_REMEDY = "this is a bug in imgrel: please report it, with what -v prints";

/** What to tell of anything that a command threw. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ReleaseError) {
    const { exitCode, code, message, remedy } = error;
    return { exitCode, code, message, remedy, tail: [], bug: code === "Internal" };
  }
  if (error instanceof BuildError) {
    const { code, step, message, remedy, logTail } = error.failure;
    const tail = logTail.split("\n").filter((line) => line.trim() !== "");
    return { exitCode: exitCodeOf(code), code, message: `${step}: ${message}`, remedy, tail, bug: false };
  }
  const errno = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error ? machineMessage(error, errno) : String(error);
  const remedy = remedyOf(error, errno);
  return remedy === undefined
    ? { exitCode: EXIT.failed, code: "Unexpected", message, remedy: BUG_REMEDY, tail: [], bug: true }
    : { exitCode: EXIT.failed, code: errno, message, remedy, tail: [], bug: false };
}

/** Text of several lines without anything that could steer a terminal; indentation stays. */
const lines = (text: string): string[] =>
  text.split("\n").map((line) => `${/^ */.exec(line)?.[0] ?? ""}${oneLine(line)}`.trimEnd());

/** `error: <message>`, `  → <remedy>`, then the tool's last lines. */
export const failureText = (failure: Failure): string =>
  [
    ...lines(`error: ${failure.message}`),
    ...lines(`  → ${failure.remedy}`),
    ...failure.tail.map((line) => `  | ${oneLine(line)}`),
  ].join("\n");

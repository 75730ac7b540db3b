import { simpleGit } from "simple-git";
import { DISK_FULL_REMEDY, saysDiskFull } from "../../../builders/host/disk-full.ts";
import { converse, PLAIN_ENV } from "../../../builders/host/exec.ts";
import { startedBy } from "../../../builders/host/orphans.ts";
import { thisProcess } from "../../../builders/host/process-identity.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { type ObjectReader, objectReader } from "./object-reader.ts";
import { rememberedTrees } from "./remembered-trees.ts";

/** git on one repository. Arguments reach git as they are; nothing of the caller's configuration does. */
export type Git = {
  /**
   * Runs `git <args>`.
   * @returns standard output
   * @throws ReleaseError RepositoryUnusable on any exit code but 0 (its cause's message is what git said), DiskFull,
   * ToolMissing
   */
  readonly run: (args: readonly string[], options?: GitOptions) => Promise<string>;
  /** Runs `git cat-file <args>` on `input`: its output, byte for byte. Throws as `run`. */
  readonly catFile: (args: readonly string[], input: string) => Promise<Buffer>;
  /** Reads objects of the repository; one git does it for all. */
  readonly read: ObjectReader;
};

export type GitOptions = {
  readonly input?: string | Buffer;
  /** variables beside those that every call has */
  readonly env?: Readonly<Record<string, string>>;
  /** settings beside those that every call has, `key=value`; they stand in argv, so no secret belongs here */
  readonly config?: readonly string[];
};

/** No file of the machine or the user says how git behaves here (git(1), "Environment Variables"). */
const ISOLATED: Readonly<Record<string, string>> = {
  ...PLAIN_ENV,
  HOME: "/nonexistent",
  XDG_CONFIG_HOME: "/nonexistent",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_LITERAL_PATHSPECS: "1",
  GIT_NO_REPLACE_OBJECTS: "1",
  // nobody is asked for a password or passphrase, not even on a terminal: git, then ssh and ssh-keygen
  GIT_TERMINAL_PROMPT: "0",
  GIT_ASKPASS: "",
  SSH_ASKPASS: "/bin/false",
  SSH_ASKPASS_REQUIRE: "force",
};

/**
 * A power cut leaves the old tip or the new one; no hook runs, whoever placed it in the repository; and git tidies up
 * before it ends, or a process of ours would outlive us.
 */
const CONFIG = [
  "core.fsync=committed,reference",
  "core.hooksPath=/dev/null",
  "gc.autoDetach=false",
  "maintenance.autoDetach=false",
];

/** What git said when it failed, where an error tells: all lines of its standard error. */
export const saidBy = (error: unknown): string | undefined =>
  error instanceof ReleaseError && error.code === "RepositoryUnusable" && error.cause instanceof Error
    ? error.cause.message
    : undefined;

/** The exit code of a git that failed, where an error tells. */
export const exitCodeOf = (error: unknown): number | undefined =>
  error instanceof ReleaseError && error.cause instanceof Error && "exitCode" in error.cause
    ? Number(error.cause.exitCode)
    : undefined;

const BATCH = ["cat-file", "--batch"];

type Failure = { readonly exitCode: number; readonly said: string };

function releaseError(args: readonly string[], place: string | null, { exitCode, said }: Failure): ReleaseError {
  if (said.includes("spawn git ENOENT")) {
    return new ReleaseError("ToolMissing", "git is not installed", "install it: apt-get install git");
  }
  const cause = Object.assign(new Error(said.trim() === "" ? `exit code ${exitCode}` : said.trim()), { exitCode });
  // the second is git's own word where it writes a pack (csum-file.c)
  if (saysDiskFull(said) || said.includes("Out of diskspace")) {
    const where = place ?? args.at(-1); // where there is no repository yet, one is being made
    const message = `no space is left in ${where}, says git: ${cause.message.split("\n")[0]}`;
    return new ReleaseError("DiskFull", message, DISK_FULL_REMEDY, { cause });
  }
  return new ReleaseError(
    "RepositoryUnusable",
    `git ${args[0] ?? ""}${place === null ? "" : ` in ${place}`}: ${cause.message.split("\n")[0]}`,
    "do what git says; the folder must be a git repository that this user may write to",
    { cause },
  );
}

/**
 * git on the repository in `gitDirectory`, an absolute path, or on none. Naming the directory also answers git's
 * question whether to trust one of another owner, as under sudo (git-config(1), safe.directory).
 * @param always variables and settings of every call
 */
export function gitOn(gitDirectory: string | null, always: Pick<GitOptions, "env" | "config"> = {}): Git {
  const environment = () => {
    const own = startedBy(thisProcess()); // ended before anybody takes over what it locks
    const place = gitDirectory === null ? {} : { GIT_DIR: gitDirectory };
    return { ...ISOLATED, ...own, ...place, ...always.env };
  };
  const settings = [...CONFIG, ...(always.config ?? [])];
  const batch = [...settings.flatMap((setting) => ["-c", setting]), ...BATCH];
  /** simple-git's input and error handlers belong to an instance, so each call has its own. */
  const call = async <T>(
    args: readonly string[],
    options: GitOptions,
    start: (git: ReturnType<typeof simpleGit>) => PromiseLike<T>,
  ) => {
    const env = { ...environment(), ...options.env };
    let failed: Failure | undefined;
    const { input } = options;
    const git = simpleGit({
      baseDir: "/",
      config: [...settings, ...(options.config ?? [])],
      // constants of this folder, and paths that its callers made: none comes from a spec
      allowEnvironment: Object.keys(env),
      unsafe: {
        allowUnsafeAskPass: true,
        allowUnsafeConfigPaths: true,
        allowUnsafeCredentialHelper: true,
        allowUnsafeGpgProgram: true,
        allowUnsafeHooksPath: true,
        allowUnsafeSshCommand: true,
        allowUnsafeTemplateDir: true,
      },
      // by default output is cut 50 ms after the exit, and an exit code without a message is a success
      completion: { onClose: true, onExit: false },
      errors: (error, { exitCode, stdErr }) => {
        if (error === undefined && exitCode === 0) return undefined;
        failed = { exitCode, said: Buffer.concat(stdErr).toString("utf8") };
        return error ?? new Error(`git ended with ${exitCode}`);
      },
      // an empty string would count as none, and the pipe would stay open
      ...(input === undefined ? {} : { input: () => (typeof input === "string" ? Buffer.from(input) : input) }),
    }).env(env);
    // it waits 50 ms for the output of a command that printed none, as most of ours: an empty piece counts as output
    git.outputHandler((_, stdout) => stdout.once("end", () => stdout.emit("data", Buffer.alloc(0))));
    try {
      return await start(git);
    } catch (error) {
      if (failed === undefined) throw error;
      throw releaseError(args, gitDirectory, failed);
    }
  };
  return {
    run: (args, options = {}) => call(args, options, (git) => git.raw([...args])),
    catFile: (args, input) =>
      call<unknown>(["cat-file", ...args], { input }, (git) => git.binaryCatFile([...args])).then((output) => {
        if (Buffer.isBuffer(output)) return output;
        throw new ReleaseError("Internal", "simple-git gave no bytes for cat-file", "report this as a bug of imgrel");
      }),
    read: rememberedTrees(
      objectReader(
        (...told) => converse({ program: "git", args: batch, env: environment() }, ...told),
        (said) => releaseError(BATCH, gitDirectory, { exitCode: 0, said }),
      ),
    ),
  };
}

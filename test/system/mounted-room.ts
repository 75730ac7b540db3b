import { exec, type Outcome, PLAIN_ENV } from "../../builders/host/exec.ts";
import { PROJECT } from "../imgrel.ts";

/** A mount namespace of its own: what is mounted in it nobody else sees, and it goes with the process that holds it. */
export type MountedRoom = AsyncDisposable & {
  /** a path in there, as everybody can read it */
  readonly path: (inside: string) => string;
  /** runs a shell script in there, its arguments as $1 and so on; @throws Error if it fails */
  readonly sh: (script: string, ...args: readonly string[]) => Promise<string>;
  /** runs the real command line in there */
  readonly imgrel: (
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    onLine?: (line: string) => void,
  ) => Promise<Outcome>;
};

export async function openMountedRoom(): Promise<MountedRoom> {
  const close = new AbortController();
  const { promise: opened, resolve: open } = Promise.withResolvers<number>();
  const held = exec({
    program: "setpriv",
    args: ["--pdeathsig", "KILL", "unshare", "--mount", "sh", "-c", "echo $$; exec sleep infinity"],
    signal: close.signal,
    onLine: (line) => open(Number(line)),
  }).catch((error: unknown) => error);
  const pid = await opened;
  // a new namespace has no current folder of ours
  const inside = (program: string, args: readonly string[]) => ({
    program: "nsenter",
    args: [`--mount=/proc/${pid}/ns/mnt`, "sh", "-c", 'cd "$0" && exec "$@"', PROJECT, program, ...args],
  });
  return {
    path: (path) => `/proc/${pid}/root${path}`,
    sh: async (script, ...args) => {
      const outcome = await exec({ ...inside("sh", ["-euc", script, "sh", ...args]), env: PLAIN_ENV });
      if (outcome.exitCode !== 0) throw new Error(`exit ${outcome.exitCode}: ${outcome.tail}`);
      return outcome.stdout;
    },
    imgrel: (args, env, onLine) =>
      exec({
        ...inside(process.execPath, ["controller/main.ts", ...args]),
        env,
        ...(onLine === undefined ? {} : { onLine }),
      }),
    [Symbol.asyncDispose]: async () => {
      close.abort();
      await held;
    },
  };
}

import { join } from "node:path";
import { cacheRoot } from "../builders/host/cache.ts";
import { PLAIN } from "../builders/contract/variation.ts";
import { type Command, exec, PLAIN_ENV } from "../builders/host/exec.ts";
import { inSandbox } from "../builders/host/sandbox.ts";
import { ensureToolchain } from "../builders/host/toolchain.ts";
import { readToolchainLock } from "../controller/commands/lock-files.ts";
import { imgrel, PROJECT } from "./imgrel.ts";

/** The root of the toolchain, fetched and built where it is not there yet. */
export async function toolchainRoot(): Promise<string> {
  const fetched = await imgrel("fetch", "--toolchain");
  if (fetched.exitCode !== 0) throw new Error(`imgrel fetch --toolchain: ${fetched.tail}`);
  const toolchain = await ensureToolchain({
    lock: await readToolchainLock("amd64"),
    cache: cacheRoot(process.env),
    project: PROJECT,
    report: () => undefined,
    signal: new AbortController().signal,
  });
  return toolchain.root;
}

/**
 * Runs a shell script with the toolchain's programs in `work`, as a build step would; gives what it printed.
 * @throws Error with the last lines if it fails
 */
export async function runTools(root: string, work: string, script: string): Promise<string> {
  const env = { ...PLAIN_ENV, SOURCE_DATE_EPOCH: "1767225600" };
  const sandbox = { rights: "build", variation: PLAIN, root, work, binds: [], env } as const;
  const outcome = await exec(inSandbox(sandbox, "/bin/sh", ["-euc", `cd /w\n${script}`]));
  if (outcome.exitCode !== 0) throw new Error(`exit ${outcome.exitCode}: ${outcome.tail}`);
  return outcome.stdout;
}

/**
 * A program of the toolchain that runs on the host, for what needs its network: a sandbox has none. The root's own loader
 * and libraries start it.
 */
export const onHost = (root: string, program: string, args: readonly string[]): Command => ({
  program: join(root, "lib64/ld-linux-x86-64.so.2"),
  args: ["--library-path", join(root, "usr/lib/x86_64-linux-gnu"), join(root, "usr/bin", program), ...args],
});

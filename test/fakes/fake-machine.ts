import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { exec, type Outcome } from "../../builders/host/exec.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

/** Real programs that the scripts in .ci may use; whatever else they call must be among the fakes of a test. */
const REAL_PROGRAMS = [
  ..."awk base64 cat cut date dirname env grep head mkdir mktemp od paste rm".split(" "),
  ..."sed sh sha256sum sort tail tar tee tr".split(" "),
];

/** A copy of the project's scripts on a machine whose other programs are fakes. */
export type FakeMachine = {
  /** root of the copy */
  readonly project: string;
  /** runs a script of .ci with the fakes and nothing else in PATH */
  readonly run: (script: string, args?: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Outcome>;
  /** how the fakes were called, `name argument…` each */
  readonly calls: () => Promise<string[]>;
  readonly remove: () => Promise<void>;
};

/**
 * @param fakes program name to the shell lines that it runs, after it has noted its call
 * @param files further files of the project copy, by path
 */
export async function fakeMachine(
  fakes: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
): Promise<FakeMachine> {
  const root = await mkdtemp(join(tmpdir(), "imgrel-machine-"));
  const [bin, project, log] = [join(root, "bin"), join(root, "project"), join(root, "calls")];
  await mkdir(bin);
  await cp(join(PROJECT, ".ci"), join(project, ".ci"), { recursive: true });
  await writeFile(log, "");
  for (const path of await findPrograms(REAL_PROGRAMS)) await symlink(path, join(bin, basename(path)));
  const program = (name: string, lines: string) => `#!/bin/sh\nprintf '%s\\n' "${name} $*" >>'${log}'\n${lines}\n`;
  for (const [name, lines] of Object.entries(fakes)) {
    await writeFile(join(bin, name), program(name, lines), { mode: 0o755 });
  }
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(project, path, ".."), { recursive: true });
    await writeFile(join(project, path), content, { mode: 0o755 });
  }
  return {
    project,
    run: (script, args = [], env = {}) =>
      exec({ program: "/bin/sh", args: [`.ci/${script}`, ...args], cwd: project, env: { PATH: bin, ...env } }),
    calls: async () => (await readFile(log, "utf8")).split("\n").filter((line) => line !== ""),
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** Absolute paths of programs, in their order. @throws Error if this machine lacks one */
async function findPrograms(names: readonly string[]): Promise<string[]> {
  const script = 'for name; do command -v "$name" || exit; done';
  const outcome = await exec({ program: "/bin/sh", args: ["-c", script, "sh", ...names] });
  const paths = outcome.stdout.trimEnd().split("\n");
  if (outcome.exitCode !== 0) throw new Error(`this machine has no ${names[paths.length]}`);
  return paths;
}

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exec, type Outcome, PLAIN_ENV } from "../../builders/host/exec.ts";
import { fakeCommandContext } from "../../test/fakes/command-context.ts";
import { COMMANDS } from "./table.ts";

const pathOf = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const DEMO = pathOf("test/fakes/demo-program.ts");

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-process-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs a program of the frame as people do: a process of its own, its streams pipes. */
async function run(script: string, ...args: string[]): Promise<Outcome & { readonly stderr: string }> {
  const lines: string[] = [];
  const onLine = (line: string, stream: "stdout" | "stderr") => stream === "stderr" && lines.push(`${line}\n`);
  const outcome = await exec({
    program: process.execPath,
    args: [script, ...args],
    env: PLAIN_ENV,
    cwd: folder,
    onLine,
  });
  return { ...outcome, stderr: lines.join("") };
}
const demo = (...args: string[]) => run(DEMO, ...args);

describe("the program itself", () => {
  const main = pathOf("controller/main.ts");

  test("without arguments prints its help and exits 2", async () => {
    const { exitCode, stdout, stderr } = await run(main);
    expect(stderr).toContain("Usage: imgrel");
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });

  test("--help lists its commands and exits 0", async () => {
    const { exitCode, stdout } = await run(main, "--help");
    expect(exitCode).toBe(0);
    for (const { name, summary } of COMMANDS) expect(stdout.replace(/\s+/g, " ")).toContain(` ${name} ${summary}`);
  });

  test.each(COMMANDS)("$name --help exits 0 and names each of its options", async ({ name, load }) => {
    const program = new Command();
    (await load()).register(program, fakeCommandContext().context);
    const { exitCode, stdout } = await run(main, name, "--help");
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Usage: imgrel ${name}`);
    for (const { flags, description } of program.commands.flatMap((command) => command.options)) {
      expect(stdout).toContain(flags);
      expect(description).not.toBe("");
    }
  });

  test("an unknown command exits 2", async () => {
    expect((await run(main, "frobnicate")).exitCode).toBe(2);
  });
});

describe("a command that", () => {
  test("returns exits 0, its result on standard output alone", async () => {
    expect(await demo("succeed")).toMatchObject({ exitCode: 0, stdout: "result\n", stderr: "" });
  });

  test("names an exit code gets it", async () => {
    expect(await demo("report")).toMatchObject({ exitCode: 3, stdout: "not the same\n" });
  });

  test("throws a ReleaseError exits with its code", async () => {
    const { exitCode, stdout, stderr } = await demo("release-error");
    expect(stderr).toBe("error: the lock is not there\n  → run imgrel lock specs/demo\n");
    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: "" });
  });

  test("throws a BuildError shows the tool's last lines", async () => {
    const { exitCode, stderr } = await demo("build-error");
    expect(stderr).toBe("error: root: mmdebstrap is not there\n  → install it\n  | line one\n  | line two\n");
    expect(exitCode).toBe(4);
  });

  test("meets a bug says so and exits 1; where it came from is shown on request", async () => {
    const { exitCode, stderr } = await demo("bug");
    expect(stderr).toMatch(/^error: undefined is not a function\n {2}→ this is a bug[^\n]*\n$/);
    expect(exitCode).toBe(1);
    expect((await demo("bug", "-v")).stderr).toContain("demo-program.ts:");
  });

  test("fails outside of its promise still ends, with exit 1", async () => {
    const { exitCode, stderr } = await demo("late-bug");
    expect(stderr).toContain("error: nobody awaits this\n  → this is a bug");
    expect(exitCode).toBe(1);
  });

  test("waits for nothing does not pass for a success", async () => {
    const { exitCode, stderr } = await demo("hang");
    expect(stderr).toMatch(/^error: the command waits for something that can no longer happen\n/);
    expect(exitCode).toBe(1);
  });

  test("cannot write its result exits 1", async () => {
    const args = ["-c", 'exec "$0" "$1" succeed >/dev/full', process.execPath, DEMO];
    const { exitCode, tail } = await exec({ program: "sh", args });
    expect(tail).toContain("ENOSPC");
    expect(exitCode).toBe(1);
  });

  test("writes to a reader that went away ends quietly, as from SIGPIPE", async () => {
    const args = ["--norc", "-o", "pipefail", "-c", '"$0" "$1" chatter | head -n 1', process.execPath, DEMO];
    expect(await exec({ program: "bash", args })).toMatchObject({ exitCode: 141, tail: "one more line\n" });
  });
});

describe("a signal", () => {
  test("stops a command: exit 130 after SIGINT", async () => {
    const { exitCode, stderr } = await demo("interrupted");
    expect(exitCode).toBe(130);
    expect(stderr.replace(/^.{8} /gm, (time) => (/\d/.test(time) ? "" : time))).toBe(
      "root: started\nstopping after SIGINT; a second one ends at once\nroot: stopped\nstopped by SIGINT\n",
    );
  });

  test("leaves a command that ends in order its own exit code", async () => {
    expect(await demo("terminated")).toMatchObject({ exitCode: 5, stdout: "tidied up\n" });
  });

  test("ends at once what does not listen, the second time", async () => {
    const { exitCode, wallSeconds } = await demo("stubborn");
    expect(exitCode).toBe(130);
    expect(wallSeconds).toBeLessThan(15);
  });

  test("counts also if the command can never settle afterwards", async () => {
    expect((await demo("stuck")).exitCode).toBe(143);
  });
});

describe("--log json", () => {
  const records = (text: string) =>
    text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  test("makes standard error a log: progress, messages and the failure, without secrets", async () => {
    const { stderr } = await demo("bug", "--log", "json");
    expect(records(stderr)).toMatchObject([
      { level: "info", msg: "about to fail", user: "me", token: "[redacted]" },
      { level: "error", msg: "command failed", exitCode: 1, error: { name: "TypeError" } },
      { level: "info", msg: "command ended", exitCode: 1 },
    ]);
    expect(stderr).not.toContain("hunter2");
    const steps = await demo("steps", "--seconds", "0.1", "--log", "json");
    expect(records(steps.stderr)).toContainEqual(expect.objectContaining({ msg: "progress", event: "failed" }));
    expect(records(steps.stderr)).toContainEqual(expect.objectContaining({ text: "hint: two steps run side by side" }));
    expect(steps.stdout).toBe("fetched 212 packages\n");
  });

  test("is what a command that runs for ever does by itself, unless a file or help is asked for", async () => {
    const { stderr } = await demo("serve");
    expect(records(stderr).map(({ msg, text }) => text ?? msg)).toEqual(["serving", "a word", "command ended"]);
    expect((await demo("serve", "--log-file", "serve.log")).stderr).toBe("a word\n");
    expect((await demo("serve", "--help")).stderr).toBe("");
    expect((await demo("succeed", "serve")).stderr).toMatch(/^error: too many arguments/);
  });

  test("with --log-file leaves standard error to people", async () => {
    const { stderr, exitCode } = await demo("release-error", "--log-file", "run.log");
    expect(stderr).toMatch(/^error: /);
    expect(exitCode).toBe(4);
    expect(records(await readFile(join(folder, "run.log"), "utf8"))).toMatchObject([
      { msg: "command failed", code: "InputMissing" },
      { msg: "command ended" },
    ]);
  });

  test("with a file that cannot be written is wrong usage", async () => {
    const { stderr, exitCode, stdout } = await demo("succeed", "--log-file", "absent/run.log");
    expect(stderr).toContain("error: cannot write the log: ");
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });
});

test("progress goes to standard error as lines, the result to standard output", async () => {
  const { stdout, stderr, exitCode } = await demo("steps", "--seconds", "0.1");
  expect(exitCode).toBe(0);
  expect(stdout).toBe("fetched 212 packages\n");
  expect(stderr).toMatch(/^\d\d:\d\d:\d\d fetch: started\n/);
  expect(stderr).toMatch(/\d\d:\d\d:\d\d root: done in 0\.0 s, CPU 1\.5 s, 697\.1 MiB\n/);
});

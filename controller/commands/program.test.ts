import { Command, InvalidArgumentError } from "commander";
import { describe, expect, test } from "vitest";
import { fakeCommandContext } from "../../test/fakes/command-context.ts";
import { outputOption } from "./command.ts";
import { GLOBAL_OPTION_NAMES, readGlobalOptions, runProgram } from "./program.ts";
import { type CommandEntry, COMMANDS } from "./table.ts";

const loaded: string[] = [];
const entry = (name: string, action: (words: string[], options: object) => void = () => undefined): CommandEntry => ({
  name,
  summary: `does ${name}`,
  load: async () => {
    loaded.push(name);
    return {
      register: (program) => {
        program
          .command(name)
          .description(`long description of ${name}`)
          .argument("[words...]")
          .option("--arch <arch>", "architecture")
          .addOption(outputOption())
          .action(action);
      },
    };
  },
});

async function run(argv: readonly string[], ...entries: CommandEntry[]) {
  loaded.length = 0;
  const { context, recorded } = fakeCommandContext();
  await runProgram(argv, context, entries.length > 0 ? entries : [entry("lint"), entry("lock"), entry("fetch")]);
  return recorded;
}

test("without arguments: the help, as wrong usage", async () => {
  const { stdout, stderr, exitCode } = await run([]);
  expect(stderr).toContain("lint   ");
  expect(stdout).toBe("");
  expect(exitCode).toBe(2);
});

test("--help lists every command with its summary, and reads none of their files", async () => {
  const { stdout, stderr, exitCode } = await run(["--help"]);
  for (const name of ["lint", "lock", "fetch"]) expect(stdout).toMatch(new RegExp(`^  ${name} +does ${name}$`, "m"));
  expect({ stderr, exitCode, loaded }).toEqual({ stderr: "", exitCode: 0, loaded: [] });
});

test("the list is the same when a command's file was read", async () => {
  expect((await run(["--help", "lock"])).stdout).toBe((await run(["--help"])).stdout);
  expect(loaded).toEqual([]);
});

test.each([[["lock", "--help"]], [["help", "lock"]]])("%j prints the help of that command", async (argv) => {
  const { stdout, exitCode } = await run(argv);
  expect(stdout).toContain("long description of lock");
  expect(stdout).toContain("--log-file");
  expect({ exitCode, loaded }).toEqual({ exitCode: 0, loaded: ["lock"] });
});

test("--version prints the version and nothing else", async () => {
  const { stdout, exitCode } = await run(["--version"]);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(exitCode).toBe(0);
});

describe("wrong usage exits 2 and says what to do:", () => {
  test.each([
    ["a command misspelt", ["lokc"], "error: unknown command 'lokc'\n  → did you mean lock?\n"],
    [
      "an unknown command",
      ["frobnicate"],
      "error: unknown command 'frobnicate'\n  → imgrel --help lists what there is\n",
    ],
    ["an option misspelt", ["lock", "--arhc=x"], "error: unknown option '--arhc=x'\n  → did you mean --arch?\n"],
    ["a value left out", ["lock", "--arch"], "error: option '--arch <arch>' argument missing\n"],
    ["a format that is none", ["lock", "-o", "xml"], "argument 'xml' is invalid. Allowed choices are text, json."],
    ["a log format that is none", ["lock", "--log", "xml"], "argument 'xml' is invalid. Allowed choices are json."],
  ])("%s", async (_, argv, text) => {
    const { stdout, stderr, exitCode } = await run(argv);
    expect(stderr).toContain(text);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
  });
});

test("a command gets its words and options; those of the program may stand anywhere", async () => {
  const seen: unknown[] = [];
  const { exitCode } = await run(
    ["-v", "lock", "a", "--log", "json", "b", "--arch", "amd64"],
    entry("lock", (...all) => seen.push(all.slice(0, 2))),
  );
  expect(seen).toEqual([[["a", "b"], { arch: "amd64", output: "text" }]]);
  expect(exitCode).toBe(0);
});

test("a word that is also a command's name does no harm", async () => {
  const seen: unknown[] = [];
  await run(
    ["lock", "fetch"],
    entry("lock", (words) => seen.push(words)),
    entry("fetch", () => seen.push("fetch")),
  );
  expect(seen).toEqual([["fetch"]]);
});

test("what a command throws reaches the caller, also what commander would call wrong usage", async () => {
  const fault = new Error("no");
  const throwing = (error: Error) =>
    entry("lock", () => {
      throw error;
    });
  await expect(run(["lock"], throwing(fault))).rejects.toBe(fault);
  await expect(run(["lock"], throwing(new InvalidArgumentError("late")))).rejects.toThrow("late");
});

test.each([
  [[], { log: false, logFile: undefined, verbose: false, command: undefined }],
  [["lock", "--log", "json", "-v"], { log: true, logFile: undefined, verbose: true, command: "lock" }],
  [["lock", "--unknown", "--log-file", "x.log"], { log: true, logFile: "x.log", verbose: false, command: "lock" }],
  [["lock", "--", "--log", "json"], { log: false, logFile: undefined, verbose: false, command: "lock" }],
  [["lock", "--log"], { log: false, logFile: undefined, verbose: false, command: undefined }],
  [["-v", "lock", "fetch"], { log: false, logFile: undefined, verbose: true, command: "lock" }],
  [["lock", "-h"], { log: false, logFile: undefined, verbose: false, command: undefined }],
])("the program's own options in %j", (argv, options) => {
  expect(readGlobalOptions(argv)).toEqual(options);
});

test("every command of the table registers under its name, once, and takes no option of the program", async () => {
  const { context } = fakeCommandContext();
  expect(new Set(COMMANDS.map(({ name }) => name)).size).toBe(COMMANDS.length);
  for (const { name, load } of COMMANDS) {
    const program = new Command();
    (await load()).register(program, context);
    expect(program.commands.map((command) => command.name())).toEqual([name]);
    const options = program.commands.flatMap((command) => command.options.map((option) => option.name()));
    expect(options.filter((option) => GLOBAL_OPTION_NAMES.includes(option))).toEqual([]);
  }
});

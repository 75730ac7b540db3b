import { afterEach, describe, expect, test } from "vitest";
import { type FakeMachine, fakeMachine } from "../fakes/fake-machine.ts";

// The scripts that run checks and tests: what they count, and that no failure gets lost on the way.
let machine: FakeMachine;
afterEach(() => machine.remove());

const lastLine = (text: string) => text.trimEnd().split("\n").at(-1);

describe(".ci/run", () => {
  const npm = (tests: string, system: string) => ({ npm: `case "$1" in test) ${tests} ;; run) ${system} ;; esac` });

  test.each([
    ["adds up", "echo 5 passed, 0 failed, 1 skipped", "echo 2 passed, 0 failed, 3 skipped", 0, "7 passed, 0 failed, 4"],
    [
      "knows cached shards",
      "echo 5 passed, 0 failed, 0 skipped",
      "echo 0 passed, 0 failed, 3 skipped",
      0,
      "5 passed, 0",
    ],
    [
      "fails with npm test",
      "echo 4 passed, 1 failed, 0 skipped; exit 1",
      "echo 2 passed, 0 failed, 0 skipped",
      1,
      "6 p",
    ],
    [
      "fails with a shard",
      "echo 4 passed, 0 failed, 0 skipped",
      "echo 1 passed, 2 failed, 0 skipped; exit 1",
      1,
      "5 p",
    ],
    ["counts a set-up that fails", "exit 4", "exit 4", 1, "0 passed, 2 failed, 0 skipped"],
    [
      "counts a bad end after good counts",
      "echo 4 passed, 0 failed, 0 skipped; exit 9",
      "exit 1",
      1,
      "4 passed, 2 failed",
    ],
    [
      "takes the last line only",
      "echo 1 passed, 0 failed, 0 skipped; echo 9 passed, 0 failed, 0 skipped",
      "true",
      0,
      "9 p",
    ],
  ])("%s", async (_, npmTest, system, exitCode, line) => {
    machine = await fakeMachine(npm(npmTest, system));
    const outcome = await machine.run("run");
    expect(outcome.exitCode).toBe(exitCode);
    expect(lastLine(outcome.stdout)).toMatch(new RegExp(`^${line}`));
    expect(lastLine(outcome.stdout)).toMatch(/^\d+ passed, \d+ failed, \d+ skipped$/);
  });

  test("shows once more at the end what failed, and only that", async () => {
    const failing = [
      ...["echo passed this; echo Failed Tests 1; echo expected 1 to be 2; echo Test Files 1 failed; echo more"],
      ...["seq 3000; echo 4 passed, 1 failed, 0 skipped; exit 1"],
    ];
    machine = await fakeMachine(npm(failing.join("; "), "echo no such program; exit 4"));
    const { stdout } = await machine.run("run");
    const [, again = ""] = stdout.split("\nwhat failed:\n");
    expect(again.split("\n")).toEqual([
      ...["Failed Tests 1", "expected 1 to be 2", "Test Files 1 failed", "no such program"],
      ...["4 passed, 2 failed, 0 skipped", ""],
    ]);
  });

  test("names a static check that failed, however much came after it", async () => {
    const tests = "echo imgrel: check failed: biome; seq 3000; echo 4 passed, 1 failed, 0 skipped; exit 1";
    machine = await fakeMachine(npm(tests, "echo 1 passed, 0 failed, 0 skipped"));
    const { stdout } = await machine.run("run");
    expect(stdout).toMatch(/\nwhat failed:\nimgrel: check failed: biome\n5 passed, 1 failed, 0 skipped\n$/);
  });

  test("gives system tests what is left of the hour, even if npm test failed", async () => {
    machine = await fakeMachine(npm("exit 1", "true"));
    await machine.run("run");
    const [first, second = ""] = await machine.calls();
    expect(first).toBe("npm test");
    const budget = Number(/^npm run test:system -- --budget (\d+)$/.exec(second)?.[1]);
    expect(budget).toBeGreaterThan(3500);
    expect(budget).toBeLessThan(3600);
  });
});

describe("test.sh", () => {
  /** Node that leaves counts by the name of the project it runs, or ends without any */
  const node = (lines: string) => ({
    ".ci/setup.sh": "#!/bin/sh\n",
    "node_modules/.bin/node": `#!/bin/sh\nproject=$6\n${lines}\n`,
  });
  const checks = (counts: string, exitCode = 0) => ({
    ".ci/check.sh": `#!/bin/sh\necho ${counts} >"$IMGREL_TALLY"\nexit ${exitCode}\n`,
  });
  const write = (counts: string) => `echo ${counts} >"$IMGREL_TALLY"`;

  test.each([
    ["adds up checks and all projects", checks("6 0 0"), write("10 0 1"), 0, "36 passed, 0 failed, 3 skipped"],
    ["fails with a check", checks("5 1 0", 1), write("10 0 0"), 1, "35 passed, 1 failed, 0 skipped"],
    [
      "fails with one project, and runs the others",
      checks("6 0 0"),
      `case $project in unit) ${write("9 1 0")}; exit 1 ;; *) ${write("10 0 0")} ;; esac`,
      1,
      "35 passed, 1 failed, 0 skipped",
    ],
    ["counts a project without results", checks("6 0 0"), "exit 1", 1, "6 passed, 3 failed, 0 skipped"],
    ["counts a bad end after good results", checks("6 0 0"), `${write("1 0 0")}; exit 7`, 1, "9 passed, 3 failed"],
  ])("%s", async (_, check, lines, exitCode, line) => {
    machine = await fakeMachine({ id: "echo 0" }, { ...node(lines), ...check });
    const outcome = await machine.run("test.sh");
    expect(outcome.exitCode).toBe(exitCode);
    expect(lastLine(outcome.stdout)).toContain(line);
    expect(outcome.stdout).toContain("--project smoke");
  });

  test("stops if the set-up fails", async () => {
    machine = await fakeMachine({}, { ...node(""), ".ci/setup.sh": "#!/bin/sh\nexit 4\n" });
    expect(await machine.run("test.sh")).toMatchObject({ exitCode: 4, stdout: "" });
  });
});

describe("check.sh", () => {
  const git = { git: "echo .ci/run" };
  const ready = { ".ci/setup.sh": "#!/bin/sh\n" };
  const all = { tsc: "", oxlint: "", biome: "", knip: "", shellcheck: "", shfmt: "" };

  test("runs every check and counts them", async () => {
    machine = await fakeMachine({ ...git, ...all }, ready);
    const outcome = await machine.run("check.sh");
    expect(outcome).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/\n6 passed, 0 failed, 0 skipped\n$/) });
    expect((await machine.calls()).map((call) => call.split(" ", 1)[0])).toEqual(["git", ...Object.keys(all)]);
  });

  test.each(Object.keys(all))("fails if %s fails, after the others", async (name) => {
    machine = await fakeMachine({ ...git, ...all, [name]: "exit 1" }, ready);
    const outcome = await machine.run("check.sh");
    expect(outcome.exitCode).toBe(1);
    expect(outcome.tail).toContain(`check failed: ${name}`);
    expect(lastLine(outcome.stdout)).toBe("5 passed, 1 failed, 0 skipped");
  });

  test("counts a check whose program is missing as failed", async () => {
    const { shfmt: _, ...others } = all;
    machine = await fakeMachine({ ...git, ...others }, ready);
    expect(lastLine((await machine.run("check.sh")).stdout)).toBe("5 passed, 1 failed, 0 skipped");
  });
});

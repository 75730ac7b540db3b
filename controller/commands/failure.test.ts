import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BuildError } from "../../builders/contract/build-failure.ts";
import { ReleaseError } from "../domain/errors.ts";
import { failureOf, failureText } from "./failure.ts";

test("an expected fault is told with its remedy and has its own exit code", () => {
  const failure = failureOf(new ReleaseError("StaleLock", "the lock is older than the spec", "run imgrel lock"));
  expect(failure).toMatchObject({ exitCode: 4, code: "StaleLock", bug: false });
  expect(failureText(failure)).toBe("error: the lock is older than the spec\n  → run imgrel lock");
});

test("a fault that should not be possible is told as a bug", () => {
  expect(failureOf(new ReleaseError("Internal", "no suite", "report it"))).toMatchObject({ exitCode: 1, bug: true });
});

test("a failed build step is told with the last lines of its tool", () => {
  const failure = failureOf(
    new BuildError({
      code: "StepFailed",
      step: "initramfs",
      message: "dracut ended with code 1",
      remedy: "read the lines below",
      logTail: "dracut: Executing\n\n  dracut[E]: \u001b[31mmodule missing\u001b[0m\n",
    }),
  );
  expect(failure).toMatchObject({ exitCode: 1, code: "StepFailed", bug: false });
  expect(failureText(failure)).toBe(
    [
      "error: initramfs: dracut ended with code 1",
      "  → read the lines below",
      "  | dracut: Executing",
      "  | dracut[E]: module missing",
    ].join("\n"),
  );
});

test.each([
  ["InvalidRequest", 2],
  ["ToolMissing", 4],
  ["InputMissing", 4],
  ["InputDigestMismatch", 4],
  ["PrivilegeMismatch", 1],
  ["SurroundingsMismatch", 1],
  ["DiskFull", 1],
  ["OutputInvalid", 1],
] as const)("a build that fails with %s exits %i", (code, exitCode) => {
  expect(failureOf(new BuildError({ code, step: "root", message: "m", remedy: "r" })).exitCode).toBe(exitCode);
});

describe("a fault of the machine is no bug, and says what to do", () => {
  test.each([
    ["ENOSPC", "free some space"],
    ["EDQUOT", "quota"],
    ["EACCES", "root"],
    ["EPERM", "root"],
    ["EROFS", "read-only"],
    ["EMFILE", "ulimit"],
    ["EIO", "dmesg"],
  ])("%s", (code, word) => {
    const failure = failureOf(Object.assign(new Error(`${code}: write`), { code }));
    expect(failure).toMatchObject({ exitCode: 1, code, bug: false, remedy: expect.stringContaining(word) as unknown });
  });
});

test.each(["file", "file/below"])("a folder that would stand where %s is gets its remedy", async (path) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "imgrel-test-"));
  await writeFile(join(folder.path, "file"), "");
  const error: unknown = await mkdir(join(folder.path, path), { recursive: true }).catch((reason: unknown) => reason);
  const failure = failureOf(error);
  expect(failure).toMatchObject({
    exitCode: 1,
    bug: false,
    remedy: expect.stringContaining("a file is where") as unknown,
  });
  expect(failureOf(Object.assign(new Error("EEXIST: link"), { code: "EEXIST", syscall: "link" })).bug).toBe(true);
});

test.each([
  ["ENOSPC", "no space is left in /state/work (ENOSPC: write)"],
  ["EDQUOT", "the disk quota is used up in /state/work (EDQUOT: write)"],
  ["EROFS", "nothing can be written in /state/work (EROFS: write)"],
  ["EACCES", "EACCES: write"],
])("%s of a file names its folder where that is what matters", (code, message) => {
  const error = Object.assign(new Error(`${code}: write`), { code, path: "/state/work/state.json" });
  expect(failureOf(error).message).toBe(message);
});

test.each([
  ["an error", new TypeError("x is not a function"), "x is not a function"],
  ["an unknown code", Object.assign(new Error("odd"), { code: "EODD" }), "odd"],
  ["something thrown that is no error", "just text", "just text"],
])("%s is a bug", (_, thrown, message) => {
  const failure = failureOf(thrown);
  expect(failure).toMatchObject({ exitCode: 1, code: "Unexpected", message, bug: true });
  expect(failure.remedy).toContain("this is a bug");
});

test("a message of several lines keeps its shape, and steers no terminal", () => {
  const failure = failureOf(new ReleaseError("SpecInvalid", "two faults:\n  a.yaml:1:2 \u001b[2Jbad\n", "mend them"));
  expect(failureText(failure)).toBe("error: two faults:\n  a.yaml:1:2 bad\n\n  → mend them");
});

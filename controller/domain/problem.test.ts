import { expect, test } from "vitest";
import { compareProblems, formatProblem, type Problem, quote, showPath } from "./problem.ts";

const problem: Problem = {
  file: "a.yaml",
  line: 3,
  column: 5,
  path: "spec.version",
  message: "is wrong",
  remedy: "mend it",
};

test("one line, with and without a path", () => {
  expect(formatProblem(problem)).toBe("a.yaml:3:5: spec.version: is wrong (mend it)");
  expect(formatProblem({ ...problem, path: "" })).toBe("a.yaml:3:5: is wrong (mend it)");
});

test("nothing in it steers the terminal", () => {
  expect(formatProblem({ ...problem, file: "a\u001b[2J\n.yaml", message: "x\u0007\u202ey" })).toBe(
    "a .yaml:3:5: spec.version: x y (mend it)",
  );
});

test.each([
  [[], ""],
  [["spec", "targets", 1, "arch"], "spec.targets[1].arch"],
  [["metadata", "labels", "a.b/c"], 'metadata.labels["a.b/c"]'],
  [["<<"], '["<<"]'],
])("the path %j is shown as %j", (path, shown) => {
  expect(showPath(path)).toBe(shown);
});

test("long text is cut before it is quoted", () => {
  expect(quote("x".repeat(60))).toBe(`"${"x".repeat(60)}"`);
  expect(quote("x".repeat(61))).toBe(`"${"x".repeat(60)}…"`);
  expect(quote('a"\n')).toBe('"a\\"\\n"');
});

test("the order of a report: file, line, column, path, message", () => {
  const sorted = [
    { ...problem, file: "a", line: 2, column: 10 },
    { ...problem, file: "a", line: 10, column: 1 },
    { ...problem, file: "a", line: 10, column: 2, path: "a" },
    { ...problem, file: "a", line: 10, column: 2, path: "b", message: "a" },
    { ...problem, file: "a", line: 10, column: 2, path: "b", message: "b" },
    { ...problem, file: "b", line: 1, column: 1 },
  ];
  expect(sorted.toReversed().toSorted(compareProblems)).toEqual(sorted);
});

import { expect, test } from "vitest";
import { outsidePaths } from "./outside-path.ts";

const onDisk = { work: "/state/run-1", inMemory: false };
const inMemory = { work: "/state/run-2", inMemory: true };

test.each([
  ["no space is left in /w", "no space is left in /state/run-1"],
  ["read /w/logs/root-image.log.", "read /state/run-1/logs/root-image.log."],
  ["/w/out and /w: both", "/state/run-1/out and /state/run-1: both"],
  ["/work, /x/w, ./w, a/w/b and /w-1", "/work, /x/w, ./w, a/w/b and /w-1"],
])("%s", (inside, outside) => expect(outsidePaths(inside, onDisk)).toBe(outside));

test("what was in memory cannot be found any more; results and logs can", () => {
  expect(outsidePaths("no space is left in /w", inMemory)).toBe("no space is left in /w (in this machine's memory)");
  expect(outsidePaths("/w/root", inMemory)).toBe("/w/root (in this machine's memory)");
  expect(outsidePaths("/w/logs/root.log and /w/out", inMemory)).toBe("/state/run-2/logs/root.log and /state/run-2/out");
});

import { expect, test } from "vitest";
import { readBuilderLine } from "./builder-line.ts";

const failure = { code: "DiskFull", step: "root", message: "m", remedy: "r", logTail: "" };

test("progress and a failure are told apart", () => {
  expect(readBuilderLine('{"event":"started","step":"root"}')).toEqual({ event: "started", step: "root" });
  expect(readBuilderLine(JSON.stringify({ failure }))).toEqual({ failure });
});

test.each(["", "I: extracting archives...", "null", "[]", '{"event":"root"}', '{"failure":{}}', '{"failure":"full"}'])(
  "%j is no line of the builder",
  (line) => expect(readBuilderLine(line)).toBeUndefined(),
);

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fileInLog, logLines } from "./log-file.ts";

describe("a file in a log", () => {
  it("comes out as it was, among other lines and other files, in lines that are passed on whole", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 50 }),
      fc.integer({ min: 0, max: 40_000 }).map((size) => new Uint8Array(size).fill(7)),
    );
    fc.assert(
      fc.property(bytes, fc.uint8Array(), fc.array(fc.string({ maxLength: 30 })), (file, other, noise) => {
        const lines = [
          ...logLines("b", other),
          ...noise.map((text) => text.replaceAll("\n", "")),
          ...logLines("a", file),
        ];
        for (const line of logLines("a", file)) expect(line.length).toBeLessThan(16 * 1024);
        expect(Buffer.from(file).equals(fileInLog(lines.join("\n"), "a"))).toBe(true);
        expect(Buffer.from(other).equals(fileInLog(lines.join("\n"), "b"))).toBe(true);
      }),
    );
  });
  it("lacks what was cut", () => {
    const [line = ""] = logLines("a", Buffer.from("content"));
    expect(fileInLog(line.slice(0, -3), "a")).toHaveLength(0);
    expect(fileInLog("", "a")).toHaveLength(0);
  });
});

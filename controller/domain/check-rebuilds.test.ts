import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leftOutText, rebuildsIn } from "./check-rebuilds.ts";

const content = Uint8Array.of(1);
const files = (...paths: string[]) => new Map(paths.map((path) => [path, content]));

describe("the rebuilds in a folder", () => {
  it("are provenances in a folder of their operator", () => {
    const path = "b/provenance/amd64/raw.run-2.sigstore.json";
    expect(rebuildsIn(files(path))).toEqual([{ file: path, operator: "b", arch: "amd64", variant: "raw", content }]);
  });
  it.each([
    "provenance/amd64/raw.run-1.sigstore.json", // by nobody
    "b/amd64/raw.run-1.sigstore.json",
    "b/c/provenance/amd64/raw.run-1.sigstore.json",
    "b/provenance/amd64/raw.run-0.sigstore.json",
    "b/provenance/amd64/floppy.run-1.sigstore.json",
    "b/provenance/amd64/raw.run-1.sigstore.json/x",
    "b/tests/amd64/raw.sigstore.json",
    "b/status.yaml",
    "README.md",
  ])("are not %s", (path) => expect(rebuildsIn(files(path))).toEqual([]));
});

describe("what is left out", () => {
  it("is nothing to tell where nothing is", () => expect(leftOutText([])).toBe(""));
  it("is told on one line that cannot steer a terminal, however much there is", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a", "\u001b[2Jb", "c\nd", "\u0007", ""), { minLength: 1, maxLength: 9 }),
        (all) => {
          const text = leftOutText(all);
          expect(text).not.toMatch(/\p{Cc}/u);
          expect(/, and (\d+) more$/.exec(text)?.[1]).toBe(all.length > 3 ? String(all.length - 3) : undefined);
        },
      ),
    );
  });
});

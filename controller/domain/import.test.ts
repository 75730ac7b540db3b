import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideImport } from "./import.ts";
import type { SpecFiles } from "./spec-files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const files = (given: Record<string, string>): SpecFiles =>
  new Map(Object.entries(given).map(([path, text]) => [path, bytes(text)]));
const NONE: SpecFiles = new Map();

describe("an import", () => {
  it("takes nothing that the repository ever held, however much its tip differs", () => {
    const subject = { path: "specs/demo", checkout: files({ a: "1" }), tip: files({ a: "2", b: "3" }) };
    expect(decideImport({ ...subject, known: true })).toEqual([]);
    expect(decideImport({ path: "toolchain/lock.amd64.json", checkout: bytes("{}"), tip: NONE, known: true })).toEqual(
      [],
    );
  });

  it("replaces the tip's folder by the checkout's", () => {
    const checkout = files({ "release.yaml": "2", "same.txt": "same", "new/file": "n" });
    const tip = files({ "release.yaml": "1", "same.txt": "same", "lock.amd64.json": "{}" });
    expect(decideImport({ path: "specs/demo", checkout, tip, known: false })).toEqual([
      { path: "specs/demo/lock.amd64.json", content: null },
      { path: "specs/demo/release.yaml", content: bytes("2") },
      { path: "specs/demo/new/file", content: bytes("n") },
    ]);
  });

  it("replaces a single file", () => {
    const subject = { path: "toolchain/lock.amd64.json", checkout: bytes("{}"), tip: NONE, known: false };
    expect(decideImport(subject)).toEqual([{ path: "toolchain/lock.amd64.json", content: bytes("{}") }]);
  });

  it("leads from any tip to the checkout's content", () => {
    const folder = fc
      .dictionary(fc.constantFrom("a", "b", "c/d", "c/e"), fc.constantFrom("1", "2", ""))
      .map((given) => files(given));
    fc.assert(
      fc.property(folder, folder, (checkout, tip) => {
        const result = new Map([...tip].map(([name, content]) => [`specs/x/${name}`, content]));
        for (const { path, content } of decideImport({ path: "specs/x", checkout, tip, known: false })) {
          if (content === null) expect(result.delete(path)).toBe(true);
          else if (typeof content !== "string") result.set(path, content);
        }
        expect(result).toEqual(new Map([...checkout].map(([name, content]) => [`specs/x/${name}`, content])));
      }),
    );
  });
});

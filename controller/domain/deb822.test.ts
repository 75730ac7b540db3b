import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDeb822 } from "./deb822.ts";

const word = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/);
const value = fc
  .tuple(
    fc.option(word, { nil: "" }),
    fc.array(
      word.map((line) => ` ${line}`),
      { maxLength: 4 },
    ),
  )
  .map(([first, more]) => [first, ...more].join("\n"));
const fieldName = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,15}$/);
const stanza = fc
  .uniqueArray(fc.tuple(fieldName, value), { minLength: 1, maxLength: 8, selector: ([name]) => name.toLowerCase() })
  .map((fields) => new Map(fields));

describe("parseDeb822", () => {
  it("reads back whatever stanzas are written, however many empty lines stand between them", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(stanza, fc.integer({ min: 1, max: 3 }))), (parts) => {
        const text = parts
          .map(
            ([fields, gap]) => `${[...fields].map(([name, of]) => `${name}: ${of}`).join("\n")}${"\n".repeat(gap + 1)}`,
          )
          .join("");
        expect(parseDeb822(text, "status")).toEqual(parts.map(([fields]) => fields));
      }),
    );
  });

  it("never throws anything but its own fault, with the line", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", "B", ":", " ", "\t", "\n", "-", "#", "\r") }), (text) => {
        try {
          for (const fields of parseDeb822(text, "status")) expect(fields.size).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toMatchObject({ code: "VerificationFailed" });
          expect(String(error)).toMatch(/status, line [0-9]+ /);
        }
      }),
    );
  });

  it.each([
    ["Package: a\nnonsense\n", "status, line 2 is no field: nonsense"],
    [" indented\n", "status, line 1 continues no field: indented"],
    ["A: b\n\n more\n", "status, line 3 continues no field: more"],
    ["A: b\nB: c\na: d\n", "status, line 3 repeats a field of its stanza: a: d"],
    ["# comment: x\n", "status, line 1 is no field: # comment: x"],
    ["-A: b\n", "status, line 1 is no field: -A: b"],
    [": b\n", "status, line 1 is no field: : b"],
  ])("refuses %j", (text, message) => {
    expect(() => parseDeb822(text, "status")).toThrow(message);
  });

  it("shows no control characters of the text", () => {
    expect(() => parseDeb822("\u001b[31mred\n", "status")).toThrow(/^status, line 1 is no field: red$/);
  });
});

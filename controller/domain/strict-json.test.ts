import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseStrictJson } from "./strict-json.ts";

/** A JSON text with some freedom of form: white space, and names written with escapes. */
function write(value: unknown, escape: boolean, space: string): string {
  const name = (text: string) =>
    escape
      ? `"${[...Array(text.length).keys()].map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`
      : JSON.stringify(text);
  if (Array.isArray(value)) return `[${space}${value.map((one) => write(one, escape, space)).join(`,${space}`)}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => `${name(key)}${space}:${write(member, escape, space)}`);
  return `{${space}${members.join(`${space},`)}}`;
}

const escapes = fc.boolean();
const spaces = fc.constantFrom("", " ", "\n\t");

describe("parseStrictJson", () => {
  it("reads what JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.jsonValue(), escapes, spaces, (value, escape, space) => {
        const text = write(value, escape, space);
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("refuses any object that has a name twice, however each is written", () => {
    const member = fc.tuple(fc.string({ unit: "binary" }), fc.jsonValue());
    fc.assert(
      fc.property(
        member,
        fc.jsonValue(),
        fc.jsonValue(),
        escapes,
        spaces,
        ([name, first], second, other, escape, space) => {
          const one = write({ [name]: first }, escape, space).slice(0, -1);
          const twice = `${one},${write({ other }, false, space).slice(1, -1)},${write({ [name]: second }, !escape, space).slice(1)}`;
          for (const text of [twice, `[1,${twice}]`, `{"other":{"in":[${twice}]}}`]) {
            expect(() => parseStrictJson(text)).toThrow("stands twice in one object");
          }
        },
      ),
    );
  });

  it.each(['{"a":1,"\\u0061":2}', '{"__proto__":1,"__proto__":2}', '{"a":{"b":1},"a":{}}', '{"":1,"":1}'])(
    "refuses %s",
    (text) => expect(() => parseStrictJson(text)).toThrow("stands twice in one object"),
  );

  it.each([
    '{"a":{"a":1},"b":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a","b":"{\\"a\\":1,\\"a\\":2}"}',
    '{"a":[],"A":[]}',
  ])("allows %s", (text) => expect(parseStrictJson(text)).toEqual(JSON.parse(text)));

  it.each(["", "{", '{"a":1}{', "{'a':1}", '{"a":01}', "NaN", '["\n"]'])("refuses what is no JSON: %j", (text) =>
    expect(() => parseStrictJson(text)).toThrow(SyntaxError),
  );

  it("reads a string of many megabytes and deep nesting", () => {
    const long = "\\u0041/".repeat(4 * 1024 * 1024);
    expect(parseStrictJson(`{"payload":"${long}","x":1}`)).toMatchObject({ x: 1 });
    const deep = `${'{"a":['.repeat(3000)}${"]}".repeat(3000)}`;
    expect(parseStrictJson(deep)).toBeTypeOf("object");
  });
});

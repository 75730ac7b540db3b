import { describe, expect, it } from "vitest";
import { z } from "zod";
import { text } from "../fields.ts";
import { celText, field } from "./cel.ts";
import { refusingHttp } from "./http-rule.ts";
import { structuralSchema } from "./structural-schema.ts";

const word = text({ what: "a word", pattern: /^[a-z.]+$/, maxLength: 9, form: "write a word" }, "A word.", "word");
const spec = (shape: z.ZodRawShape) => z.strictObject(shape);
const union = (one: z.ZodRawShape, other: z.ZodRawShape) =>
  z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("one").meta({ description: "Which." }), ...one }),
    z.strictObject({ kind: z.literal("other"), ...other }),
  ]);

describe("structuralSchema", () => {
  it("says what the API server checks, and the default in words", () => {
    const schema = structuralSchema(
      spec({ name: word, count: z.int().min(1).max(3).default(2).meta({ description: "How many." }) }),
      {},
    );
    expect(schema).toEqual({
      type: "object",
      required: ["name"],
      properties: {
        name: { type: "string", description: "A word.", pattern: "^[a-z.]+$", maxLength: 9 },
        count: { type: "integer", format: "int64", description: "How many. Default: 2.", minimum: 1, maximum: 3 },
      },
    });
  });
  it("makes one object of a union, with rules on which field goes where", () => {
    const schema = structuralSchema(
      union({ name: word }, { size: word.exactOptional(), name: word.exactOptional() }),
      {},
    );
    expect(Object.keys(schema.properties ?? {})).toEqual(["kind", "name", "size"]);
    expect(schema.required).toEqual(["kind"]);
    expect(schema["x-kubernetes-validations"]).toEqual([
      { rule: "!(self.kind in ['one']) || has(self.name)", message: "kind one needs name" },
      { rule: "!has(self.size) || self.kind in ['other']", message: "size goes with kind other" },
    ]);
  });
  it("writes down what no text may be, for fields and for keys", () => {
    const rule = { what: "a name", pattern: /^[a-z]+$/, maxLength: 5, form: "write a name" };
    const never = [{ pattern: /^no'$/, message: "is no name", remedy: "write another" }];
    const name = text({ ...rule, never }, "A name.", "yes");
    const schema = structuralSchema(spec({ name, all: z.record(name, word).meta({ maxProperties: 2 }) }), {});
    expect(schema.properties?.["name"]?.["x-kubernetes-validations"]).toEqual([
      { rule: "!self.matches('^no\\'$')", message: "is no name" },
    ]);
    expect(schema.properties?.["all"]?.["x-kubernetes-validations"]).toEqual([
      {
        rule: "self.all(key, size(key) <= 5 && key.matches('^[a-z]+$'))",
        message: "each key must be a name: write a name",
      },
      { rule: "self.all(key, !key.matches('^no\\'$'))", message: "no key may be one that is no name" },
    ]);
  });
  it.each<[string, z.ZodType, RegExp]>([
    ["a field that may be anything", spec({ any: z.unknown() }), /any has no type/],
    ["a union without a field that tells", z.union([spec({ a: word }), spec({ b: word })]), /tells its branches apart/],
    ["a field that differs between branches", union({ a: word }, { a: z.int() }), /a is not the same in every branch/],
    ["a null", spec({ none: z.null() }), /none has no type/],
  ])("refuses %s", (_, schema, message) => {
    expect(() => structuralSchema(schema, {})).toThrow(message);
  });
  it("refuses notes about no field, and keys of what is no list", () => {
    expect(() => structuralSchema(spec({ name: word }), { nam: {} })).toThrow("there is no field nam");
    expect(() => structuralSchema(spec({ name: word }), { name: { listKeys: ["a"] } })).toThrow("name is no list");
  });
});

describe("refusingHttp", () => {
  it("asks each URL, wherever it stands", () => {
    const schema = structuralSchema(
      spec({
        url: word,
        namespace: spec({ url: word.exactOptional() }).exactOptional(),
        list: z.array(spec({ url: word })).max(2),
        map: z.record(word, spec({ urlTemplate: word })),
      }),
      {},
    );
    const [rule] = refusingHttp(schema)["x-kubernetes-validations"] ?? [];
    expect(rule?.rule).toBe(
      "(has(self.network) && has(self.network.allowHTTP) && self.network.allowHTTP) || " +
        "(!self.url.startsWith('http:') && " +
        "(!has(self.__namespace__) || (!has(self.__namespace__.url) || !self.__namespace__.url.startsWith('http:'))) && " +
        "self.list.all(v0, !v0.url.startsWith('http:')) && " +
        "self.map.all(v0, !self.map[v0].urlTemplate.startsWith('http:')))",
    );
  });
  it("refuses a spec without any", () => {
    expect(() => refusingHttp(structuralSchema(spec({ name: word }), {}))).toThrow("holds no URL");
  });
});

it("quotes texts and escapes names for CEL", () => {
  expect(celText(String.raw`a'b\.`)).toBe(String.raw`'a\'b\\.'`);
  expect(field("self", "ephemeral-storage")).toBe("self.ephemeral__dash__storage");
});

import fc from "fast-check";
import { isSchema, type JsonSchema } from "../../controller/domain/json-schema.ts";

const members = (schema: JsonSchema, name: "properties"): [string, JsonSchema][] =>
  Object.entries(schema[name] ?? {}) as [string, JsonSchema][];

function record(schema: JsonSchema): fc.Arbitrary<unknown> {
  const fields = members(schema, "properties");
  const required = schema.required ?? [];
  const model = Object.fromEntries(fields.map(([name, member]) => [name, nearValue(member)]));
  const { additionalProperties: entry, propertyNames: key } = schema;
  if (fields.length === 0 && isSchema(entry) && isSchema(key)) {
    const [minKeys, maxKeys] = [schema.minProperties ?? 0, 2];
    const names = nearValue(key) as fc.Arbitrary<string>;
    return fc.dictionary(names, nearValue(entry), { minKeys, maxKeys, noNullPrototype: true });
  }
  return fc.record(model, { requiredKeys: required, noNullPrototype: true });
}

/**
 * Values that meet a JSON Schema of zod's but for the rules between fields, which they may break. Lists and mappings are
 * short, texts come from their patterns.
 */
function nearValue(schema: JsonSchema): fc.Arbitrary<unknown> {
  const branches = schema.oneOf ?? schema.anyOf;
  if (branches !== undefined) return fc.oneof(...branches.filter(isSchema).map(nearValue));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const { minimum = 0, maximum = 10, minItems = 0, maxLength = 20 } = schema;
  const { type, items, pattern } = schema;
  if (type === "boolean") return fc.boolean();
  if (type === "integer") return fc.integer({ min: minimum, max: maximum });
  if (type === "string") {
    if (pattern === undefined) return fc.string({ maxLength });
    return fc.stringMatching(new RegExp(pattern, "u")).map((text) => text.slice(0, maxLength));
  }
  if (type === "array" && isSchema(items)) {
    return fc.array(nearValue(items), { minLength: minItems, maxLength: minItems + 2 });
  }
  return record(schema);
}

/**
 * Values of an object's schema that are near a good one: up to two fields are others, which may not go with the rest, and
 * now and then anything stands anywhere.
 */
export function nearGood(good: object, schema: JsonSchema): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(members(schema, "properties").map(([name, member]) => [name, nearValue(member)]));
  const others = fc.subarray(Object.keys(fields), { maxLength: 2 }).chain((names) =>
    fc.record(Object.fromEntries(names.map((name) => [name, fields[name] ?? fc.constant(null)])), {
      noNullPrototype: true,
    }),
  );
  const changes = fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: fc.tuple(fc.tuple(fc.nat(60), anything)) },
  );
  return fc
    .tuple(others, changes)
    .map(([other, replaced]) =>
      replaced.reduce<unknown>((value, [place, by]) => replaceAt(value, place + 1, by), { ...good, ...other }),
    );
}

/** Replaces the value at a place of plain data, counted from its root in the order of reading. */
export function replaceAt(value: unknown, place: number, replacement: unknown): unknown {
  let count = -1;
  const walk = (at: unknown): unknown => {
    count += 1;
    if (count === place) return replacement;
    if (Array.isArray(at)) return at.map(walk);
    if (typeof at !== "object" || at === null) return at;
    return Object.fromEntries(Object.entries(at).map(([key, member]) => [key, walk(member)]));
  };
  return walk(value);
}

/** What may stand where something else belongs. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom("", "x", 1, 2.5, -1, true, null, [], {}, [null], "ubuntu:24.04", "http://a", { kind: "mirror" }),
);

import type { z } from "zod";
import { textRules } from "../fields.ts";
import { isSchema, type JsonSchema, jsonSchemaOf } from "../json-schema.ts";
import { type CelRule, matches, noneMatches } from "./cel.ts";
import { mergeUnion } from "./union-schema.ts";

/** What the API server checks and stores of a field (apiextensions.k8s.io/v1 JSONSchemaProps, a structural schema). */
export type StructuralSchema = {
  readonly type: string;
  readonly description?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema;
  readonly items?: StructuralSchema;
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-validations"?: readonly CelRule[];
};

/** What a zod schema cannot say of a field. */
export type FieldNotes = {
  /** rules between fields, and between a field's old and new value */
  readonly rules?: readonly CelRule[];
  /** the keys that tell a list's entries apart */
  readonly listKeys?: readonly string[];
};

/** Notes by path: `targets` of the document, `targets[]` an entry of a list, `archives{}` one of a mapping. */
export type Notes = Readonly<Record<string, FieldNotes>>;

/** What is the same in both languages. */
const COPIED = [
  ...["format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"],
  ...["minProperties", "maxProperties", "required"],
] as const;

/** An annotation of ours on JSON Schema: what {@link TextRule} calls `never`. */
const NEVER = "x-never";

/**
 * The structural schema of what a zod schema reads. It has no defaults: they are filled in where a document is read, in a
 * cluster and without one, and the API server keeps what people wrote. The descriptions say them.
 * @param notes every path of it must exist
 * @throws RangeError for what no structural schema can say, and for a note about no field
 */
export function structuralSchema(schema: z.ZodType, notes: Notes): StructuralSchema {
  const unused = new Set(Object.keys(notes));
  const json = jsonSchemaOf(schema, (field, said) => {
    const { never } = textRules.get(field) ?? {};
    if (never !== undefined) said[NEVER] = never.map(({ pattern, message }) => ({ pattern: pattern.source, message }));
  });
  const made = convert(json, "", { notes, unused });
  if (unused.size > 0) throw new RangeError(`there is no field ${[...unused].join(", ")}`);
  return made;
}

type Walk = { readonly notes: Notes; readonly unused: Set<string> };

const fail = (path: string, why: string): never => {
  throw new RangeError(`${path || "the document"} ${why}`);
};

function convert(json: JsonSchema, path: string, walk: Walk): StructuralSchema {
  const { schema, rules } = mergeUnion(json);
  const notes = walk.notes[path] ?? {};
  walk.unused.delete(path);
  const all = [...rules, ...ownRules(schema), ...keyRules(schema), ...(notes.rules ?? [])];
  const type = schema.type ?? (schema.const !== undefined ? typeof schema.const : undefined);
  if (typeof type !== "string" || type === "null") return fail(path, "has no type");
  const { description } = describe(schema);
  return {
    type,
    ...(description === undefined ? {} : { description }),
    ...(type === "integer" ? { format: "int64" } : {}),
    ...Object.fromEntries(COPIED.flatMap((key) => (schema[key] === undefined ? [] : [[key, schema[key]]]))),
    ...(schema.const === undefined ? {} : { enum: [schema.const] }),
    ...listNotes(schema, notes, path),
    ...(all.length === 0 ? {} : { "x-kubernetes-validations": all }),
    ...members(schema, path, walk),
  };
}

/** Fields, entries or items. */
function members(
  { properties, additionalProperties, items }: JsonSchema,
  path: string,
  walk: Walk,
): Partial<StructuralSchema> {
  const below = (schema: unknown, at: string): StructuralSchema =>
    isSchema(schema) ? convert(schema, at, walk) : fail(at, "may be anything");
  if (items !== undefined) return { items: below(items, `${path}[]`) };
  if (properties === undefined) {
    return isSchema(additionalProperties) ? { additionalProperties: below(additionalProperties, `${path}{}`) } : {};
  }
  const fields = Object.entries(properties).map(([name, member]) => {
    const at = path === "" ? name : `${path}.${name}`;
    return [name, below(member, at)] as const;
  });
  return { properties: Object.fromEntries(fields) };
}

/** Two equal entries are refused by the API server itself. */
function listNotes(
  { type, uniqueItems }: JsonSchema,
  { listKeys }: FieldNotes,
  path: string,
): Partial<StructuralSchema> {
  if (type !== "array") return listKeys === undefined ? {} : fail(path, "is no list");
  if (listKeys !== undefined) return { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": listKeys };
  return { "x-kubernetes-list-type": uniqueItems === true ? "set" : "atomic" };
}

const neverOf = (schema: JsonSchema) => (schema[NEVER] ?? []) as readonly { pattern: string; message: string }[];

const ownRules = (schema: JsonSchema): CelRule[] =>
  neverOf(schema).map(({ pattern, message }) => ({ rule: noneMatches("self", pattern), message }));

/** The keys of a mapping: a structural schema knows only its values. */
function keyRules({ propertyNames }: JsonSchema): CelRule[] {
  if (!isSchema(propertyNames) || propertyNames.pattern === undefined) return [];
  const { pattern, maxLength = 0, patternErrorMessage } = propertyNames;
  const fits = `size(key) <= ${maxLength} && ${matches("key", pattern)}`;
  return [
    { rule: `self.all(key, ${fits})`, message: `each key ${String(patternErrorMessage)}` },
    ...neverOf(propertyNames).map(({ pattern: never, message }) => ({
      rule: `self.all(key, ${noneMatches("key", never)})`,
      message: `no key may be one that ${message}`,
    })),
  ];
}

/** A description with the default, which the schema itself does not have. */
function describe({ description, default: left }: JsonSchema): { readonly description?: string } {
  if (description === undefined) return {};
  const isPlain = typeof left === "string" || typeof left === "number" || typeof left === "boolean";
  return { description: isPlain ? `${description} Default: ${left}.` : description };
}

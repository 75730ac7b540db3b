import { z } from "zod";
import type { DocumentPath } from "./problem.ts";

/** A JSON Schema (draft 2020-12), as much of it as our kinds use. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/**
 * The JSON Schema of a document as people write it: what a default fills may be left out. Editors read it, and
 * messages take descriptions, examples and known keys from it.
 * @param annotate adds to what is said of each field
 */
export const jsonSchemaOf = (
  schema: z.ZodType,
  annotate: (field: z.core.$ZodType, jsonSchema: JsonSchema) => void = () => {},
): JsonSchema =>
  z.toJSONSchema(schema, {
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      annotate(zodSchema, jsonSchema);
      // zod's own bounds of an integer say nothing about the field
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });

export const isSchema = (schema: unknown): schema is JsonSchema => typeof schema === "object" && schema !== null;

/** The schemas that a value may have to meet: a union's branches, or the schema itself. */
const branches = (schema: JsonSchema): JsonSchema[] => [
  schema,
  ...(schema.oneOf ?? schema.anyOf ?? []).filter(isSchema),
];

const memberOf = (schema: JsonSchema, value: unknown): Record<string, JsonSchema> => {
  const properties = schema.properties ?? {};
  const members: Record<string, JsonSchema> = {};
  for (const [key, member] of Object.entries(properties)) {
    if (!isSchema(member)) continue;
    // a branch of a union with another discriminator than the value's is not meant
    if (member.const !== undefined && isRecord(value) && value[key] !== undefined && value[key] !== member.const) {
      return {};
    }
    members[key] = member;
  }
  return members;
};

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Keys that an object of this schema may have; `value` decides between the branches of a union. */
export const knownKeys = (schema: JsonSchema, value: unknown): string[] => [
  ...new Set(branches(schema).flatMap((branch) => Object.keys(memberOf(branch, value)))),
];

/** The schema of the value at `path` below `schema`, or undefined where there is none. */
export function schemaAt(schema: JsonSchema, path: DocumentPath, value: unknown): JsonSchema | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return schema;
  for (const branch of branches(schema)) {
    const next =
      typeof step === "number" ? branch.items : (memberOf(branch, value)[step] ?? branch.additionalProperties);
    if (!isSchema(next) || Array.isArray(next)) continue;
    return schemaAt(next, rest, valueAt(value, [step]));
  }
  return undefined;
}

/** The value at `path` in plain data, or undefined where there is none. */
export const valueAt = (value: unknown, path: DocumentPath): unknown =>
  path.reduce<unknown>((at, step) => {
    if (Array.isArray(at)) return typeof step === "number" ? (at as unknown[])[step] : undefined;
    return isRecord(at) && Object.hasOwn(at, step) ? at[String(step)] : undefined;
  }, value);

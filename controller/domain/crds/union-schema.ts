import { stableJson } from "../../../builders/contract/digest.ts";
import { isSchema, type JsonSchema } from "../json-schema.ts";
import { type CelRule, celText, field } from "./cel.ts";

/** One schema for what was a union, and the rules that say which fields go together. */
type Merged = { readonly schema: JsonSchema; readonly rules: readonly CelRule[] };

type Branch = {
  /** value of the field that tells branches apart */
  readonly value: string;
  readonly fields: Readonly<Record<string, JsonSchema>>;
  readonly required: readonly string[];
};

/**
 * A union of objects as one object. A structural schema knows each field once, for all branches; CEL rules say which
 * branch has it, and which must have it.
 * @throws RangeError for a union without a field that tells its branches apart, or with a field that differs
 */
export function mergeUnion(schema: JsonSchema): Merged {
  const options = (schema.oneOf ?? schema.anyOf ?? []).filter(isSchema);
  if (options.length === 0) return { schema, rules: [] };
  const tag = discriminatorOf(options);
  const branches = options.map((option) => branchOf(option, tag));
  const names = [...new Set(branches.flatMap(({ fields }) => Object.keys(fields)))];
  const { oneOf: _, anyOf: __, ...rest } = schema;
  return {
    schema: {
      ...rest,
      type: "object",
      required: [tag],
      properties: {
        [tag]: tagSchema(options, tag, branches),
        ...Object.fromEntries(names.map((name) => [name, fieldOf(name, branches)])),
      },
    },
    rules: names.flatMap((name) => rulesOf(name, tag, branches)),
  };
}

const memberOf = (option: JsonSchema, name: string): JsonSchema | undefined => {
  const member = option.properties?.[name];
  return isSchema(member) ? member : undefined;
};

function discriminatorOf(options: readonly JsonSchema[]): string {
  const names = Object.keys(options[0]?.properties ?? {});
  const tag = names.find((name) => options.every((option) => typeof memberOf(option, name)?.const === "string"));
  if (tag === undefined) throw new RangeError("a union of the kinds has no field that tells its branches apart");
  return tag;
}

function branchOf(option: JsonSchema, tag: string): Branch {
  const { [tag]: tagged, ...fields } = (option.properties ?? {}) as Record<string, JsonSchema>;
  return {
    value: String(tagged?.const),
    fields,
    required: (option.required ?? []).filter((name) => name !== tag),
  };
}

function tagSchema(options: readonly JsonSchema[], tag: string, branches: readonly Branch[]): JsonSchema {
  const description = options.flatMap((option) => memberOf(option, tag)?.description ?? []).at(0);
  return {
    type: "string",
    enum: branches.map(({ value }) => value),
    ...(description === undefined ? {} : { description }),
  };
}

function fieldOf(name: string, branches: readonly Branch[]): JsonSchema {
  const [first, ...others] = branches.map(({ fields }) => fields[name]).filter((one) => one !== undefined);
  if (first === undefined || others.some((other) => stableJson(other) !== stableJson(first))) {
    throw new RangeError(`${name} is not the same in every branch of its union`);
  }
  return first;
}

const oneOf = (branches: readonly Branch[]): string => `[${branches.map(({ value }) => celText(value)).join(", ")}]`;
const named = (branches: readonly Branch[]): string => branches.map(({ value }) => value).join(" or ");

function rulesOf(name: string, tag: string, branches: readonly Branch[]): CelRule[] {
  const having = branches.filter(({ fields }) => fields[name] !== undefined);
  const needing = branches.filter(({ required }) => required.includes(name));
  const [present, value] = [`has(${field("self", name)})`, field("self", tag)];
  return [
    ...(having.length === branches.length
      ? []
      : [
          { rule: `!${present} || ${value} in ${oneOf(having)}`, message: `${name} goes with ${tag} ${named(having)}` },
        ]),
    ...(needing.length === 0
      ? []
      : [
          { rule: `!(${value} in ${oneOf(needing)}) || ${present}`, message: `${tag} ${named(needing)} needs ${name}` },
        ]),
  ];
}

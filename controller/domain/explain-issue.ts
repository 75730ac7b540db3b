import type { z } from "zod";
import { exampleOf } from "./fields.ts";
import { isRecord, type JsonSchema, knownKeys, schemaAt, valueAt } from "./json-schema.ts";
import { nearest } from "./nearest.ts";
import { type DocumentPath, quote } from "./problem.ts";
import type { Fault } from "./text-rule.ts";

/** A fault and the value it is about; `at` says whether the key or the value is to be pointed at. */
export type Finding = Fault & { readonly path: DocumentPath; readonly at: "key" | "value" };

/** What the explanation of an issue draws on. */
export type Explained = {
  readonly schema: JsonSchema;
  /** the whole document as plain data */
  readonly value: unknown;
  /** a scalar as it stands in the file, or undefined */
  readonly sourceOf: (path: DocumentPath) => string | undefined;
  /** keys that are known elsewhere but refused here, by shown path, with their remedy */
  readonly refused: Readonly<Record<string, string>>;
};

/** What zod found, in the words of the person who wrote the document: one finding per mistake. */
export function explainIssue(issue: z.core.$ZodIssue, explained: Explained): Finding[] {
  const path = issue.path.map((step) => (typeof step === "symbol" ? String(step) : step));
  const { schema, value } = explained;
  const here = schemaAt(schema, path, value) ?? {};
  const found = valueAt(value, path);
  const finding = (fault: Fault): Finding[] => [{ ...fault, path, at: "value" }];
  switch (issue.code) {
    case "custom":
      return finding({ message: issue.message, remedy: String(issue.params?.["remedy"] ?? "correct it") });
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        ...unknownKey(key, path, knownKeys(here, found), explained.refused),
        path: [...path, key],
        at: "key" as const,
      }));
    case "invalid_type":
      return finding(wrongType(issue.expected, found, here, path, explained));
    case "invalid_value":
      return finding(wrongChoice(issue.values.map(String), found, here, path));
    case "invalid_union":
      return unionFindings(issue, explained, path);
    case "invalid_key":
      return issue.issues.flatMap((inner) =>
        explainIssue({ ...inner, path: [] }, explained).map((fault) => ({ ...fault, path, at: "key" as const })),
      );
    case "too_small":
      return finding(outOfRange("at least", Number(issue.minimum), found, here, path));
    case "too_big":
      return finding(outOfRange("at most", Number(issue.maximum), found, here, path));
    case "invalid_format":
    case "invalid_element":
    case "not_multiple_of":
      // patterns are text rules (custom), and there are no sets and no steps: this would be a mistake in a schema
      throw new TypeError(`no field of our kinds can give the zod issue ${issue.code}`);
  }
}

function unknownKey(
  key: string,
  parent: DocumentPath,
  known: string[],
  refused: Readonly<Record<string, string>>,
): Fault {
  const remedy = refused[[...parent, key].join(".")];
  if (remedy !== undefined) return { message: "this key does not belong in the file", remedy };
  const meant = nearest(key, known);
  return {
    message: `unknown key ${quote(key)}`,
    remedy: meant === undefined ? `known here: ${known.join(", ")}` : `did you mean ${meant}?`,
  };
}

/** `className: stable`, a key with an example of its value. */
function exampleLine(path: DocumentPath, schema: JsonSchema): string {
  const example = schema.examples?.[0] ?? schema.enum?.[0] ?? schema.const;
  const key = path.at(-1);
  if (example === undefined) return schema.description ?? "see specs/README.md";
  return typeof key === "string" ? `${key}: ${exampleOf(example)}` : exampleOf(example);
}

function missing(path: DocumentPath, schema: JsonSchema): Fault {
  return { message: "is missing", remedy: `add it, for example ${exampleLine(path, schema)}` };
}

function wrongType(
  expected: string,
  found: unknown,
  schema: JsonSchema,
  path: DocumentPath,
  { sourceOf }: Explained,
): Fault {
  if (found === undefined) return missing(path, schema);
  if (found === null) return { message: "has no value", remedy: `write for example ${exampleLine(path, schema)}` };
  switch (expected) {
    case "string":
      return typeof found === "number" || typeof found === "boolean"
        ? unquoted(found, sourceOf(path) ?? String(found), schema)
        : { message: `must be text, not ${kindOf(found)}`, remedy: `write for example ${exampleLine(path, schema)}` };
    case "number":
    case "int":
      return wrongNumber(found, schema, path);
    case "boolean":
      return {
        message: `${typeof found === "string" ? quote(found) : kindOf(found)} is neither true nor false`,
        remedy: "write true or false, without quotes",
      };
    case "array":
      return {
        message: `must be a list, not ${kindOf(found)}`,
        remedy: `write for example ${exampleLine(path, schema)}`,
      };
    default:
      return {
        message: `must be a mapping, not ${kindOf(found)}`,
        remedy: `write for example ${exampleLine(path, schema)}`,
      };
  }
}

/** YAML reads 2026.11 as a number, which would lose digits. */
function unquoted(found: number | boolean, source: string, schema: JsonSchema): Fault {
  const form = schema.pattern === undefined || new RegExp(schema.pattern, "u").test(source);
  const hint = form ? "" : `, in the form of ${JSON.stringify(schema.examples?.[0])}`;
  return {
    message: `${source} without quotes is ${kindOf(found)}, not text`,
    remedy: `quote it: "${source}"${hint}`,
  };
}

function wrongNumber(found: unknown, schema: JsonSchema, path: DocumentPath): Fault {
  if (typeof found === "string" && /^[0-9]+$/.test(found)) {
    return { message: `${quote(found)} is text, not a number`, remedy: "remove the quotes" };
  }
  return {
    message: `must be a whole number, not ${typeof found === "number" ? String(found) : kindOf(found)}`,
    remedy: `write for example ${exampleLine(path, schema)}`,
  };
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (isRecord(value)) return "a mapping";
  if (typeof value === "string") return "text";
  return typeof value === "number" ? "a number" : "a truth value";
}

function wrongChoice(choices: readonly string[], found: unknown, schema: JsonSchema, path: DocumentPath): Fault {
  if (found === undefined) return missing(path, schema);
  const [only] = choices;
  const meant = choices.length === 1 ? only : typeof found === "string" ? nearest(found, choices) : undefined;
  const shown = typeof found === "string" ? quote(found) : found === null ? "nothing" : kindOf(found);
  return {
    message: `${shown} is not ${choices.length === 1 ? only : `one of ${choices.join(", ")}`}`,
    remedy: meant === undefined ? "write one of these" : `write ${meant}`,
  };
}

/** A union of ours has a discriminator; only a wrong one gets here, the rest is reported by the branch itself. */
function unionFindings(issue: z.core.$ZodIssueInvalidUnion, explained: Explained, path: DocumentPath): Finding[] {
  const { schema, value } = explained;
  const options = "options" in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
  const here = schemaAt(schema, path, value) ?? {};
  return [{ ...wrongChoice(options, valueAt(value, path), here, path), path, at: "value" }];
}

function outOfRange(limit: string, bound: number, found: unknown, schema: JsonSchema, path: DocumentPath): Fault {
  if (Array.isArray(found)) {
    const message = found.length === 0 ? "is empty" : `has ${found.length} entries`;
    const remedy = found.length === 0 ? `write for example ${exampleLine(path, schema)}` : `use ${limit} ${bound}`;
    return { message, remedy };
  }
  const { minimum, maximum } = schema;
  const range =
    minimum !== undefined && maximum !== undefined ? `from ${minimum} to ${maximum}` : `of ${limit} ${bound}`;
  return { message: `${String(found)} is not ${limit} ${bound}`, remedy: `write a whole number ${range}` };
}

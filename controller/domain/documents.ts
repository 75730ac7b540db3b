import type { z } from "zod";
import { DiskImageReleaseClass } from "./class.ts";
import { ReleaseError } from "./errors.ts";
import { explainIssue, type Finding } from "./explain-issue.ts";
import { type JsonSchema, jsonSchemaOf } from "./json-schema.ts";
import { nearest } from "./nearest.ts";
import { compareProblems, formatProblem, type Problem, quote, showPath } from "./problem.ts";
import { API_VERSION, DiskImageRelease, NOT_IN_RELEASE_FILES } from "./release.ts";
import { DiskImageReleaseSource } from "./source.ts";
import { readYaml, type YamlDocument } from "./yaml-document.ts";

/** The documents that people write, by kind. */
export type Documents = {
  readonly DiskImageRelease: DiskImageRelease;
  readonly DiskImageReleaseClass: DiskImageReleaseClass;
  readonly DiskImageReleaseSource: DiskImageReleaseSource;
};
export type Kind = keyof Documents;

type KindOfDocument = {
  readonly schema: z.ZodType<Documents[Kind]>;
  readonly refused: Readonly<Record<string, string>>;
};

const NOT_IN_OBJECT_FILES = { status: "remove it: the controller writes it" };

const KINDS: Readonly<Record<Kind, KindOfDocument>> = {
  DiskImageRelease: { schema: DiskImageRelease, refused: NOT_IN_RELEASE_FILES },
  DiskImageReleaseClass: { schema: DiskImageReleaseClass, refused: NOT_IN_OBJECT_FILES },
  DiskImageReleaseSource: { schema: DiskImageReleaseSource, refused: NOT_IN_OBJECT_FILES },
};
const KIND_NAMES = Object.keys(KINDS) as Kind[];

const jsonSchemas = new Map<Kind, JsonSchema>();

/** The JSON Schema of a kind, for editors and for messages. */
export function jsonSchemaOfKind(kind: Kind): JsonSchema {
  const made = jsonSchemas.get(kind) ?? jsonSchemaOf(KINDS[kind].schema);
  jsonSchemas.set(kind, made);
  return made;
}

/** A valid document, and the YAML it was read from, for problems that only its surroundings show. */
export type ValidDocument = { readonly document: Documents[Kind]; readonly yaml: YamlDocument };

export type DocumentResult =
  | ({ readonly ok: true } & ValidDocument)
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads and checks one document of any of our kinds; problems come in the order of the file. Never throws. */
export function readDocument(text: string, file: string): DocumentResult {
  const read = readYaml(text, file);
  if (!read.ok) return read;
  const yaml = read.document;
  const kind = kindOf(yaml.value);
  if (typeof kind !== "string") return { ok: false, problems: [problemAt(yaml, file, kind)] };
  const { schema, refused } = KINDS[kind];
  const checked = checkYaml(yaml, file, { schema, jsonSchema: () => jsonSchemaOfKind(kind), refused });
  return checked.ok ? { ok: true, document: checked.value, yaml } : checked;
}

/** What a document is checked against; `refused` are keys that are known elsewhere, each with what to do. */
type DocumentSchema<T> = {
  readonly schema: z.ZodType<T>;
  readonly jsonSchema: () => JsonSchema;
  readonly refused: Readonly<Record<string, string>>;
};

/** Checks a document that was read as YAML; problems come in the order of the file. Never throws. */
export function checkYaml<T>(
  yaml: YamlDocument,
  file: string,
  { schema, jsonSchema, refused }: DocumentSchema<T>,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] } {
  const parsed = schema.safeParse(yaml.value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const explained = { schema: jsonSchema(), value: yaml.value, sourceOf: yaml.sourceOf, refused };
  const findings = parsed.error.issues.flatMap((issue) => explainIssue(issue, explained));
  return {
    ok: false,
    problems: findings.map((finding) => problemAt(yaml, file, finding)).toSorted(compareProblems),
  };
}

/** A finding with its place in the file. */
export const problemAt = (yaml: YamlDocument, file: string, { path, at, message, remedy }: Finding): Problem => ({
  file,
  ...yaml.locate(path, at),
  path: showPath(path),
  message,
  remedy,
});

/** The kind of a document, or why it is none of ours. */
function kindOf(value: Readonly<Record<string, unknown>>): Kind | Finding {
  const { apiVersion, kind } = value;
  const fault = (path: string, message: string, remedy: string): Finding => ({
    path: [path],
    at: "value",
    message,
    remedy,
  });
  if (apiVersion === undefined) return fault("apiVersion", "is missing", `add "apiVersion: ${API_VERSION}"`);
  if (apiVersion !== API_VERSION) {
    const shown = typeof apiVersion === "string" ? quote(apiVersion) : "this value";
    return fault("apiVersion", `${shown} is not a version we know`, `write ${API_VERSION}`);
  }
  if (kind === undefined) return fault("kind", "is missing", `add "kind: ${KIND_NAMES[0]}"`);
  const known = KIND_NAMES.find((name) => name === kind);
  if (known !== undefined) return known;
  const shown = typeof kind === "string" ? quote(kind) : "this value";
  const meant = typeof kind === "string" ? nearest(kind, KIND_NAMES) : undefined;
  return fault(
    "kind",
    `${shown} is not a kind of ours`,
    meant === undefined ? `write one of ${KIND_NAMES.join(", ")}` : `write ${meant}`,
  );
}

/**
 * The document of one kind that a file must hold.
 * @throws ReleaseError SpecInvalid with one line per problem, or if it is of another kind
 */
export function requireDocument<K extends Kind>(text: string, file: string, kind: K): Documents[K] {
  const read = readDocument(text, file);
  if (!read.ok) {
    const lines = read.problems.map(formatProblem).join("\n");
    throw new ReleaseError("SpecInvalid", lines, `correct ${file}; imgrel lint ${file} checks it again`);
  }
  if (read.document.kind !== kind) {
    throw new ReleaseError("SpecInvalid", `${file} holds a ${read.document.kind}`, `name a file that holds a ${kind}`);
  }
  return read.document as Documents[K];
}

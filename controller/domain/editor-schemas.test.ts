import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FULL_CLASS, FULL_SOURCE, GOOD_CLASS, GOOD_RELEASE, GOOD_SOURCE } from "../../test/contracts/bad-documents.ts";
import { meetsSchema } from "../../test/contracts/editor-check.ts";
import { validRelease } from "../../test/fakes/release-specs.ts";
import { jsonSchemaOfKind, type Kind } from "./documents.ts";
import { editorSchemas } from "./editor-schemas.ts";
import { isRecord } from "./json-schema.ts";
import { readYaml } from "./yaml-document.ts";

const stored = (path: string): string => readFileSync(new URL(`../../specs/${path}`, import.meta.url), "utf8");

test.each([...editorSchemas()])("specs/schema/%s is what the code generates", (name, text) => {
  // if not: node controller/main.ts lint --write-schema specs/schema
  expect(stored(`schema/${name}`)).toBe(text);
});

const accepts = (kind: Kind, value: unknown): boolean => meetsSchema(jsonSchemaOfKind(kind), value);

const valueOf = (text: string): unknown => {
  const result = readYaml(text, "f");
  return result.ok ? result.document.value : undefined;
};

test.each<[Kind, string]>([
  ["DiskImageRelease", GOOD_RELEASE],
  ["DiskImageReleaseClass", GOOD_CLASS],
  ["DiskImageReleaseSource", GOOD_SOURCE],
  ["DiskImageReleaseClass", FULL_CLASS],
  ["DiskImageReleaseSource", FULL_SOURCE],
])("the schema of %s accepts the corpus's document, and refuses one with an unknown key", (kind, text) => {
  expect(accepts(kind, valueOf(text))).toBe(true);
  expect(accepts(kind, { ...(valueOf(text) as object), statuss: 1 })).toBe(false);
});

test("the schema of releases accepts every valid release", () => {
  fc.assert(
    fc.property(validRelease, (release) => {
      expect(accepts("DiskImageRelease", release)).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test.each([
  ["builds: 2", "builds: 1"],
  ['"2026.11.23-1"', "2026.11"],
  ["variant: oci", "variant: floppy"],
  ["archive: ubuntu", "archive: archive.example.org"],
  ["amd64: linux-image-6.8.0-45-generic", "amd64: linux-image-generic"],
  ["ubuntu@sha256:", "ubuntu:24.04@sha256:"],
])("an editor sees what is wrong with %j changed to %j", (good, bad) => {
  expect(accepts("DiskImageRelease", valueOf(GOOD_RELEASE.replace(good, bad)))).toBe(false);
});

/** Names of all properties that a schema describes. */
function fieldsOf(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(fieldsOf);
  if (!isRecord(schema)) return [];
  const { properties, items, additionalProperties, oneOf } = schema;
  const members = isRecord(properties) ? properties : {};
  return [
    ...Object.keys(members),
    ...[...Object.values(members), items, additionalProperties, oneOf].flatMap(fieldsOf),
  ];
}

test("specs/README.md explains every field", () => {
  const readme = stored("README.md");
  const fields = (["DiskImageRelease", "DiskImageReleaseClass", "DiskImageReleaseSource"] as const).flatMap((kind) =>
    fieldsOf(jsonSchemaOfKind(kind)),
  );
  expect(fields.length).toBeGreaterThan(100);
  expect([...new Set(fields)].filter((field) => !new RegExp(`\`([^\`]*\\.)?${field}\``).test(readme))).toEqual([]);
});

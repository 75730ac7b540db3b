import { stableJson } from "../../builders/contract/digest.ts";
import { jsonSchemaOfKind, type Kind } from "./documents.ts";

const FILES: Readonly<Record<string, Kind>> = {
  "release.schema.json": "DiskImageRelease",
  "class.schema.json": "DiskImageReleaseClass",
  "source.schema.json": "DiskImageReleaseSource",
};

/** The JSON Schemas that editors check documents with, by file name in specs/schema. */
export const editorSchemas = (): ReadonlyMap<string, string> =>
  new Map(Object.entries(FILES).map(([file, kind]) => [file, stableJson(jsonSchemaOfKind(kind))]));

import type { z } from "zod";
import { ReleaseError } from "./errors.ts";
import { oneLine } from "./format.ts";
import { showPath } from "./problem.ts";

const REMEDY = "take the record as imgrel committed it; who changed it shows in the history of its branch";

/** A record that is not as imgrel writes one: which file, which field of it, and why. */
export const recordInvalid = (file: string, field: string, why: string, options?: ErrorOptions): ReleaseError =>
  new ReleaseError(
    "RecordInvalid",
    oneLine([file, field, why].filter((part) => part !== "").join(": ")),
    REMEDY,
    options,
  );

/** The same, from the first thing that a schema found. */
export function recordIssue(file: string, error: z.ZodError): ReleaseError {
  const [issue] = error.issues;
  const path = (issue?.path ?? []).map((step) => (typeof step === "symbol" ? String(step) : step));
  return recordInvalid(file, showPath(path), issue?.message ?? "is not what a record has here", { cause: error });
}

/**
 * A file's bytes as text.
 * @throws ReleaseError RecordInvalid if they are not UTF-8
 */
export function recordText(file: string, content: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch (cause) {
    throw recordInvalid(file, "", "is not UTF-8 text", { cause });
  }
}

/**
 * A JSON file that a schema describes.
 * @throws ReleaseError RecordInvalid naming file and field
 */
export function recordJson<T>(file: string, text: string, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw recordInvalid(file, "", `is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw recordIssue(file, parsed.error);
}

import { hash } from "node:crypto";
import { z } from "zod";

/** Plain SHA-256, 64 lower-case hex digits (dpkg, SHA256SUMS, OCI without its prefix). */
export const Sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits");
export type Sha256Hex = z.infer<typeof Sha256Hex>;

/** An OCI digest, `sha256:<64 hex>` (OCI image-spec, descriptor.md "Digests"). */
export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "must be sha256: and 64 lower-case hex digits");
export type Digest = z.infer<typeof Digest>;

/** SHA-256 of a string (as UTF-8) or of bytes, in hex. */
export const sha256Hex = (data: string | Uint8Array): Sha256Hex => hash("sha256", data, "hex");

/** SHA-256 of a string (as UTF-8) or of bytes, as an OCI digest. */
export const digestOf = (data: string | Uint8Array): Digest => `sha256:${sha256Hex(data)}`;

/** Canonical JSON of values that stand in many documents. */
const kept = new WeakMap<object, string>();

/** Makes a value's canonical JSON once, for all documents that it stands in. Nobody may change the value any more. */
export function keepJson<T extends object>(value: T): T {
  kept.set(value, canonicalJson(value));
  return value;
}

function scalarJson(value: unknown): string {
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError(`JSON has no number ${value}`);
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`JSON has no ${typeof value}`);
  return text;
}

/**
 * Keys in order of their UTF-16 code units. Most objects have a few, nearly in order already: those are put in their place
 * one by one, which takes none of the memory that Array.sort takes.
 */
function sortedKeys(value: object): readonly string[] {
  const keys = Object.keys(value);
  if (keys.length > 32) return keys.toSorted();
  for (let end = 1; end < keys.length; end += 1) {
    const key = keys[end] as string;
    let at = end;
    for (; at > 0 && (keys[at - 1] as string) > key; at -= 1) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
  return keys;
}

/**
 * Canonical JSON (RFC 8785): keys sorted by UTF-16 code units, no white space; numbers and strings as
 * ECMAScript prints them.
 * @throws TypeError on a value that JSON cannot hold (undefined inside an array, a function, NaN, a bigint)
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return scalarJson(value);
  const known = kept.get(value);
  if (known !== undefined) return known;
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = value as Readonly<Record<string, unknown>>;
  let text = "";
  for (const key of sortedKeys(members)) {
    const member = members[key];
    if (member !== undefined) text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

/** A copy with sorted keys; those that are whole numbers come first in any object of ECMAScript, and in any copy. */
function sortedCopy(value: unknown): unknown {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(sortedCopy);
  if (typeof value === "object" && value !== null) {
    const members = value as Readonly<Record<string, unknown>>;
    const keys = sortedKeys(members).filter((key) => members[key] !== undefined);
    return Object.fromEntries(keys.map((key) => [key, sortedCopy(members[key])]));
  }
  scalarJson(value); // refuses what JSON cannot hold
  return value;
}

/**
 * JSON for files that people review: sorted keys, two spaces, a final newline. Same value, same bytes.
 * @throws TypeError as {@link canonicalJson}
 */
export const stableJson = (value: unknown): string => `${JSON.stringify(sortedCopy(value), null, 2)}\n`;

/**
 * A UUID (RFC 9562, version 8) from a name: the same name gives the same UUID on every machine.
 * Used wherever a format wants an identifier: file systems, partitions, disks.
 */
export function uuidFromName(name: string): string {
  const bytes = hash("sha256", `imgrel/${name}`, "buffer").subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

import { isAlias, isScalar, isSeq, type ParsedNode } from "yaml";
import { type DocumentPath, quote } from "./problem.ts";
import type { Fault } from "./text-rule.ts";

/** Offsets of a key and its value in the text, and the value as written if it is a scalar. */
export type Entry = { readonly key: number; readonly value: number; readonly source: string | undefined };

/** Every entry of a document, by {@link pathKey}. */
export type Entries = Map<string, Entry>;

/** A path as the key of a map. */
export const pathKey = (path: DocumentPath): string => JSON.stringify(path);

type Complain = (offset: number, path: DocumentPath, fault: Fault) => void;
type Walk = { readonly entries: Entries; readonly complain: Complain; readonly refused: Set<string> };

/**
 * A parsed node as plain data, its entries in `entries`. It complains about all that is not plain (anchors, aliases,
 * tags, keys that are no text, keys that stand twice); what it returns is whole only if it did not.
 */
export const plainData = (root: ParsedNode, entries: Entries, complain: Complain): unknown =>
  plain(root, [], { entries, complain, refused: new Set() });

function plain(node: ParsedNode | null, path: DocumentPath, walk: Walk): unknown {
  if (node === null) return null;
  const offset = node.range[0];
  if (isAlias(node)) {
    refuse(walk, offset, path, "alias", `*${node.source}`, "write the value itself");
    return null;
  }
  if (node.anchor !== undefined) {
    refuse(walk, offset, path, "anchor", `&${node.anchor}`, "remove it, and write each value where it belongs");
  }
  if (node.tag !== undefined && node.tag !== null) {
    const tag = node.tag.replace(/^tag:yaml\.org,2002:/, "!!");
    refuse(walk, offset, path, "tag", tag, "remove it; quote a value that must be text");
  }
  if (isScalar(node)) return node.value;
  if (isSeq(node)) {
    return node.items.map((item, index) => {
      const at = [...path, index];
      walk.entries.set(pathKey(at), { key: item.range[0], value: item.range[0], source: sourceOf(item) });
      return plain(item, at, walk);
    });
  }
  const members: Record<string, unknown> = {};
  for (const pair of node.items) {
    const key = keyOf(pair.key, path, walk.complain);
    if (key === undefined) continue;
    const at = [...path, key];
    const start = pair.key.range[0];
    if (walk.entries.has(pathKey(at))) {
      walk.complain(start, at, { message: "this key stands twice in its mapping", remedy: "remove one of the two" });
      continue;
    }
    walk.entries.set(pathKey(at), {
      key: start,
      value: pair.value?.range[0] ?? start,
      source: sourceOf(pair.value),
    });
    members[key] = plain(pair.value, at, walk);
  }
  return members;
}

/** Once for each kind of thing: an alias bomb is one mistake, not a thousand. */
function refuse(walk: Walk, offset: number, path: DocumentPath, kind: string, name: string, remedy: string): void {
  if (walk.refused.has(kind)) return;
  walk.refused.add(kind);
  walk.complain(offset, path, { message: `the ${kind} ${quote(name)} is refused`, remedy });
}

const sourceOf = (node: ParsedNode | null): string | undefined => (isScalar(node) ? node.source : undefined);

function keyOf(node: ParsedNode, path: DocumentPath, complain: Complain): string | undefined {
  const refused = (message: string, remedy: string): undefined => {
    complain(node.range[0], path, { message, remedy });
  };
  if (!isScalar(node)) return refused("a key is not plain text", "write each key as one word");
  const source = node.source ?? "";
  if (node.anchor !== undefined || (node.tag !== undefined && node.tag !== null)) {
    return refused(`the key ${quote(source)} has an anchor or a tag`, "remove it");
  }
  if (source === "" && typeof node.value !== "string") return refused("a key is missing", "write key: value");
  if (typeof node.value !== "string") return refused(`the key ${source} is not text`, `quote it: "${source}"`);
  // assigned to an object, it would set the prototype instead of a member
  if (node.value === "__proto__") return refused("the key __proto__ is refused", "remove it");
  return node.value;
}

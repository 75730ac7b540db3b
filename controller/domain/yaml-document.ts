import { type CST, Composer, type Document, isMap, isScalar, LineCounter, Parser } from "yaml";
import { compareProblems, type DocumentPath, type Problem, quote, showPath } from "./problem.ts";
import type { Fault } from "./text-rule.ts";
import { type Entries, pathKey, plainData } from "./yaml-data.ts";
import { syntaxFault } from "./yaml-syntax.ts";

/** Largest document, in UTF-16 units: some ten times what a release with every limit used has. */
const MAX_LENGTH = 128 * 1024;
/** Deepest nesting; our kinds need eight levels. */
const MAX_DEPTH = 32;

/** A place in a file; both count from 1, columns in UTF-16 units. */
export type Place = { readonly line: number; readonly column: number };

/** One YAML mapping as plain data, with the places it came from. */
export type YamlDocument = {
  readonly value: Readonly<Record<string, unknown>>;
  /** Where the key or value at `path` stands; for a path that does not exist, its nearest ancestor's key. */
  readonly locate: (path: DocumentPath, at: "key" | "value") => Place;
  /** A scalar as it is written in the file, or undefined where `path` is no scalar. */
  readonly sourceOf: (path: DocumentPath) => string | undefined;
};

export type YamlResult =
  | { readonly ok: true; readonly document: YamlDocument }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Reads one YAML 1.2 document (core schema) whose root is a mapping. It must mean the same to every reader, so
 * anchors, aliases, tags and directives are refused, and duplicate keys too; what could exhaust the reader is
 * refused before it is built. Never throws on any text.
 */
export function readYaml(text: string, file: string, maxLength: number = MAX_LENGTH): YamlResult {
  const counter = new LineCounter();
  const problems: Problem[] = [];
  const complain = (offset: number, path: DocumentPath, fault: Fault): void => {
    const { line, col } = counter.linePos(offset);
    problems.push({ file, line: Math.max(line, 1), column: Math.max(col, 1), path: showPath(path), ...fault });
  };
  const failed = (): YamlResult => ({ ok: false, problems: problems.toSorted(compareProblems) });

  if (text.length > maxLength) {
    complain(0, [], { message: `has ${text.length} characters`, remedy: `a document may have ${maxLength}` });
    return failed();
  }
  const tokens = [...new Parser(counter.addNewLine).parse(text)];
  const tooDeep = offsetBelow(tokens, MAX_DEPTH);
  if (tooDeep !== undefined) {
    complain(tooDeep, [], {
      message: `is nested more than ${MAX_DEPTH} levels deep`,
      remedy: "flatten it: no field of ours is that deep",
    });
    return failed();
  }
  const directive = tokens.find((token) => token.type === "directive");
  if (directive !== undefined) {
    complain(directive.offset, [], {
      message: `the directive ${quote(directive.source)} is refused`,
      remedy: "remove it: documents are YAML 1.2",
    });
    return failed();
  }
  const [document, next] = compose(tokens, text.length);
  const fault = [...(document?.errors ?? []), ...(document?.warnings ?? [])].toSorted((a, b) => a.pos[0] - b.pos[0])[0];
  if (fault !== undefined) {
    complain(fault.pos[0], [], syntaxFault(fault));
    return failed();
  }
  if (next !== undefined) {
    complain(next.range[0], [], {
      message: "holds more than one document",
      remedy: "give each document a file of its own",
    });
    return failed();
  }
  const root = document?.contents ?? null;
  if (root === null || (isScalar(root) && root.value === null && root.source === "")) {
    complain(0, [], { message: "is empty", remedy: "write a document; specs/README.md shows one" });
    return failed();
  }
  const entries: Entries = new Map();
  const value = plainData(root, entries, complain);
  if (!isMap(root)) {
    complain(root.range[0], [], { message: "is not a mapping", remedy: "start with apiVersion: and kind:" });
  }
  if (problems.length > 0) return failed();
  return { ok: true, document: documentOf(value as Record<string, unknown>, entries, counter) };
}

/** The offset of the first node that is nested deeper than `limit`. Iterative: the text decides the depth. */
function offsetBelow(tokens: readonly CST.Token[], limit: number): number | undefined {
  const pending: { token: CST.Token | null | undefined; depth: number }[] = tokens.map((token) => ({
    token,
    depth: 0,
  }));
  let first: number | undefined;
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    const { token, depth } = entry;
    if (token === null || token === undefined) continue;
    if (depth > limit) {
      first = Math.min(first ?? token.offset, token.offset);
      continue;
    }
    if (token.type === "document") pending.push({ token: token.value, depth });
    else if ("items" in token) {
      for (const item of token.items) {
        pending.push({ token: item.key, depth: depth + 1 }, { token: item.value, depth: depth + 1 });
      }
    }
  }
  return first;
}

function compose(tokens: readonly CST.Token[], end: number): Document.Parsed[] {
  const composer = new Composer({ version: "1.2", schema: "core", merge: false, uniqueKeys: false, strict: true });
  return [...composer.compose(tokens, true, end)] as Document.Parsed[];
}

function documentOf(value: Record<string, unknown>, entries: Entries, counter: LineCounter): YamlDocument {
  const placeOf = (offset: number): Place => {
    const { line, col } = counter.linePos(offset);
    return { line, column: col };
  };
  return {
    value,
    locate(path, at) {
      for (let length = path.length; length > 0; length -= 1) {
        const entry = entries.get(pathKey(path.slice(0, length)));
        if (entry !== undefined) return placeOf(length === path.length ? entry[at] : entry.key);
      }
      return { line: 1, column: 1 };
    },
    sourceOf: (path) => entries.get(pathKey(path))?.source,
  };
}

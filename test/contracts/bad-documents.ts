import { readFileSync } from "node:fs";

/** A document that must be refused, with exactly these problems: `line:column: path: message (remedy)`. */
export type BadDocument = { readonly name: string; readonly text: string; readonly problems: readonly string[] };

const read = (name: string): string => readFileSync(new URL(`documents/${name}`, import.meta.url), "utf8");

/** Valid documents that the corpus makes its bad ones from. */
export const GOOD_RELEASE = read("noble-1/release.yaml");
export const GOOD_CLASS = read("class.yaml");
export const GOOD_SOURCE = read("source.yaml");

/** Valid documents with nearly every field in use. */
export const FULL_CLASS = read("class-full.yaml");
export const FULL_SOURCE = read("source-full.yaml");

const BASES = { yaml: GOOD_RELEASE, release: GOOD_RELEASE, class: GOOD_CLASS, source: GOOD_SOURCE };
export type Corpus = keyof typeof BASES;

/**
 * The cases of documents/bad-<corpus>.txt. A case is a block of lines: `# name`, then either `= text`, or pairs of
 * `- text of the good document` and `+ what stands there instead`, then `! problem` for each one, in order. \n, \t
 * and \\ in a text stand for a line break, a tab and a backslash.
 */
export function badDocuments(corpus: Corpus): BadDocument[] {
  return read(`bad-${corpus}.txt`)
    .trimEnd()
    .split("\n\n")
    .map((block) => badDocument(block.split("\n"), BASES[corpus]));
}

function badDocument(lines: readonly string[], base: string): BadDocument {
  let name = "";
  let text = base;
  let replaced: string | undefined;
  const problems: string[] = [];
  for (const line of lines) {
    const content = line.slice(2);
    if (line.startsWith("#")) name = content;
    else if (line.startsWith("!")) problems.push(content);
    else if (line.startsWith("=")) text = unescaped(content);
    else if (line.startsWith("-")) replaced = unescaped(content);
    else if (line.startsWith("+") && replaced !== undefined && text.includes(replaced)) {
      const instead = unescaped(content);
      text = text.replace(replaced, () => instead);
    } else throw new Error(`case "${name}": ${JSON.stringify(line)} does not fit`);
  }
  if (problems.length === 0) throw new Error(`case "${name}" expects no problem`);
  return { name, text, problems };
}

const unescaped = (text: string): string =>
  text.replace(/\\([nt\\])/g, (_, code) => (code === "n" ? "\n" : code === "t" ? "\t" : "\\"));

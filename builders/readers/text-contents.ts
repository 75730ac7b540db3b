import { isUtf8 } from "node:buffer";
import type { Contents, Item } from "./contents.ts";
import type { RandomAccess } from "./random-access.ts";

const MAX_TEXT_BYTES = 1024 * 1024;
// oxlint-disable-next-line no-control-regex -- these are what tells text from data
const NOT_TEXT = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;

type Piece = { readonly name: string; readonly text: string };

/** A single line is a list of words, such as a kernel command line; a word is known by what stands before its `=`. */
function piecesOf(text: string): Piece[] {
  const lines = text.replace(/\n$/, "").split("\n");
  if (lines.length > 1) return lines.map((line, index) => ({ name: `line ${index + 1}`, text: line }));
  const seen = new Map<string, number>();
  return (lines[0] ?? "").split(" ").map((word, index) => {
    const name = /^[^=]+(?==)/.exec(word)?.[0] ?? `word ${index + 1}`;
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    return { name: nth === 1 ? name : `${name} (${nth})`, text: word };
  });
}

/** Lines, or the words of a single line, of a small UTF-8 text; null for all else. */
export async function textContents(image: RandomAccess): Promise<Contents | null> {
  if (image.size === 0 || image.size > MAX_TEXT_BYTES) return null;
  const bytes = Buffer.from(await image.readAt(0, image.size));
  if (!isUtf8(bytes)) return null;
  const text = bytes.toString("utf8");
  if (NOT_TEXT.test(text)) return null;
  const items = piecesOf(text).map<Item>((piece) => ({
    trail: [{ kind: "field", name: piece.name, offset: 0 }],
    facts: { text: piece.text },
    open: null,
    covers: [],
  }));
  return { format: "text", items, exact: false };
}

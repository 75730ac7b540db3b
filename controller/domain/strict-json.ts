/** What matters of a valid JSON text: punctuation, where strings begin and end, and escapes, which may hold a quote. */
const MARK = /\\.|["{}[\]:]/g;

/** The first name that an object of the text has twice; the text is valid JSON. */
function repeatedName(text: string): string | undefined {
  const open: (Set<string> | null)[] = []; // names of each open object; null for an array
  let start = -1; // of the string that is open
  let last = ""; // the string before, quotes included
  for (const { 0: mark, index } of text.matchAll(MARK)) {
    if (mark === '"') {
      if (start >= 0) last = text.slice(start, index + 1);
      start = start >= 0 ? -1 : index;
    } else if (start >= 0) continue;
    else if (mark === "{") open.push(new Set());
    else if (mark === "[") open.push(null);
    else if (mark === "}" || mark === "]") open.pop();
    else {
      const name = JSON.parse(last) as string; // a colon outside strings follows a name
      const names = open.at(-1);
      if (names?.has(name) === true) return name;
      names?.add(name);
    }
  }
  return undefined;
}

/**
 * JSON (RFC 8259) in which each name stands once per object. `JSON.parse` takes the last of several, other readers the
 * first: a signed text must say the same to all (RFC 8259, section 4).
 * @throws SyntaxError on anything else
 */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const name = repeatedName(text);
  if (name !== undefined) throw new SyntaxError(`the name ${JSON.stringify(name)} stands twice in one object`);
  return value;
}

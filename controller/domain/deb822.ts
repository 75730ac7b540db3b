import { ReleaseError } from "./errors.ts";
import { oneLine } from "./format.ts";

/** One stanza: fields by name as they are spelled, values without the blanks around them. */
export type Stanza = ReadonlyMap<string, string>;

const FIELD = /^([!"$-,.-9;-~][!-9;-~]*):(.*)$/;

/**
 * Reads deb822(5) as dpkg writes it: stanzas apart by empty lines, `Name: value`, further lines of a value indented. A
 * further line keeps its indentation. `file` is how messages name the text.
 * @throws ReleaseError VerificationFailed for a line that is no field, or a field that stands twice in its stanza
 */
export function parseDeb822(text: string, file: string): Stanza[] {
  const stanzas: Stanza[] = [];
  let fields = new Map<string, string>();
  let names = new Set<string>();
  let open: string | undefined;
  const close = () => {
    if (fields.size > 0) stanzas.push(fields);
    fields = new Map();
    names = new Set();
    open = undefined;
  };
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trimEnd();
    const wrong = (what: string) =>
      new ReleaseError(
        "VerificationFailed",
        `${file}, line ${index + 1} ${what}: ${oneLine(line).slice(0, 80)}`,
        "take the file as dpkg wrote it",
      );
    if (line === "") {
      close();
      continue;
    }
    if (/^[ \t]/.test(line)) {
      if (open === undefined) throw wrong("continues no field");
      fields.set(open, `${fields.get(open) ?? ""}\n${line}`);
      continue;
    }
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) throw wrong("is no field");
    if (names.has(name.toLowerCase())) throw wrong("repeats a field of its stanza");
    names.add(name.toLowerCase());
    fields.set(name, value.trim());
    open = name;
  }
  close();
  return stanzas;
}

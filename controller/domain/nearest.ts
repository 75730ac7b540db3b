// What other systems call our values.
const SYNONYMS: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  x64: "amd64",
  aarch64: "arm64",
  armv8: "arm64",
  arm: "arm64",
};

/** Edits (insert, delete, replace) between two words; Wagner and Fischer's table, one row at a time. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The known word that `word` was most likely meant to be, or undefined where none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word === "" || word.length > 64) return undefined;
  const synonym = SYNONYMS[word.toLowerCase()];
  if (synonym !== undefined && known.includes(synonym)) return synonym;
  const plain = word.toLowerCase();
  const containing = known.filter((candidate) => plain.length >= 3 && candidate.toLowerCase().includes(plain));
  if (containing.length === 1) return containing[0];
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(plain, candidate.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(1, Math.floor(word.length / 3)) ? best.candidate : undefined;
}

type Parts = { readonly epoch: string; readonly upstream: string; readonly revision: string };

/** `[epoch:]upstream[-revision]`: the epoch ends at the first colon, the revision begins after the last hyphen. */
function split(version: string): Parts {
  const colon = version.indexOf(":");
  const rest = version.slice(colon + 1);
  const hyphen = rest.lastIndexOf("-");
  return {
    epoch: colon === -1 ? "" : version.slice(0, colon),
    upstream: hyphen === -1 ? rest : rest.slice(0, hyphen),
    revision: hyphen === -1 ? "" : rest.slice(hyphen + 1),
  };
}

/** Weight of a character outside a number: `~` before the end, the end before letters, letters before the rest. */
function weight(character: string | undefined): number {
  if (character === undefined) return 0;
  if (character === "~") return -1;
  const code = character.codePointAt(0) ?? 0;
  return /[A-Za-z]/.test(character) ? code : code + 256;
}

function compareText(a: string, b: string): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = weight(a[at]) - weight(b[at]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Decimal numbers of any length; the empty one is 0. */
function compareNumber(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+/, ""), b.replace(/^0+/, "")];
  if (left.length !== right.length) return left.length - right.length;
  return left === right ? 0 : left < right ? -1 : 1;
}

/** Text and number in turn, the first difference decides. */
function compareParts(a: string, b: string): number {
  const [left, right] = [a.match(/[^0-9]*[0-9]*/g) ?? [], b.match(/[^0-9]*[0-9]*/g) ?? []];
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const [, leftText = "", leftNumber = ""] = /^([^0-9]*)([0-9]*)$/.exec(left[at] ?? "") ?? [];
    const [, rightText = "", rightNumber = ""] = /^([^0-9]*)([0-9]*)$/.exec(right[at] ?? "") ?? [];
    const difference = compareText(leftText, rightText) || compareNumber(leftNumber, rightNumber);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * Order of two dpkg versions (Debian Policy 5.6.12, deb-version(7)): negative if `a` is older, 0 if dpkg takes them as
 * equal (`1.0` and `1.0-0`), positive if `a` is newer. Both are versions already (`PackageVersion`).
 */
export function compareDpkgVersions(a: string, b: string): number {
  const [left, right] = [split(a), split(b)];
  return (
    compareNumber(left.epoch, right.epoch) ||
    compareParts(left.upstream, right.upstream) ||
    compareParts(left.revision, right.revision)
  );
}

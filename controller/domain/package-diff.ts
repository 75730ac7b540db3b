import { diffLocks, type Lock, type PackageChange } from "../../builders/contract/lock.ts";
import { compareDpkgVersions } from "./dpkg-version.ts";

type Kind = "upgraded" | "downgraded" | "rebuilt" | "added" | "removed";

function kindOf({ from, to }: PackageChange): Kind {
  if (from === null) return "added";
  if (to === null) return "removed";
  const order = compareDpkgVersions(from, to);
  return order === 0 ? "rebuilt" : order < 0 ? "upgraded" : "downgraded";
}

const ALWAYS: readonly Kind[] = ["upgraded", "added", "removed"];
const KINDS: readonly Kind[] = ["upgraded", "downgraded", "rebuilt", "added", "removed"];

/** A package diff for people: `summary` is one line; `lines` has one per package, by kind and then by name. */
export type PackageDiff = { readonly summary: string; readonly lines: readonly string[] };

function describe(change: PackageChange): string {
  const { name, arch, from, to } = change;
  const kind = kindOf(change);
  if (kind === "rebuilt") return `rebuilt ${name} ${to} ${arch}: other bytes under the same version`;
  const versions = from !== null && to !== null ? `${from} -> ${to}` : (to ?? from);
  return `${kind} ${name} ${versions} ${arch}`;
}

/**
 * What differs between two locks, for commit messages and terminals. A package whose bytes changed under the same
 * version is said as such. Downgrades and rebuilds are counted in the summary only where there are any.
 */
export function packageDiff(from: Lock, to: Lock): PackageDiff {
  const changes = diffLocks(from, to);
  const counts = Map.groupBy(changes, kindOf);
  const counted = KINDS.filter((kind) => ALWAYS.includes(kind) || counts.has(kind));
  return {
    summary: counted.map((kind) => `${counts.get(kind)?.length ?? 0} ${kind}`).join(", "),
    lines: KINDS.flatMap((kind) => (counts.get(kind) ?? []).map(describe)),
  };
}

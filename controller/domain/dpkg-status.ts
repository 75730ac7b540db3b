import { parseDeb822, type Stanza } from "./deb822.ts";
import { type Clause, parseClauses, type Relation } from "./dpkg-relations.ts";
import { ReleaseError } from "./errors.ts";

/** A package as dpkg's database has it. */
export type InstalledPackage = {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  /** third word of its Status: `installed`, or how far it got */
  readonly state: string;
  readonly essential: boolean;
  /** the source package that it was built from */
  readonly source: { readonly name: string; readonly version: string };
  readonly maintainer: string;
  /** Pre-Depends and Depends: each clause must be met */
  readonly depends: readonly Clause[];
  /** virtual packages, with `=` and a version or without */
  readonly provides: readonly Relation[];
};

/** Name of the file in an arch's output, and how messages call it. */
export const DPKG_STATUS_FILE = "dpkg-status";

const broken = (what: string): ReleaseError =>
  new ReleaseError("VerificationFailed", `${DPKG_STATUS_FILE}: ${what}`, "take the file as dpkg wrote it");

function required(stanza: Stanza, field: string): string {
  const value = stanza.get(field);
  if (value !== undefined && value !== "") return value;
  throw broken(`${stanza.get("Package") ?? "a stanza"} has no ${field}`);
}

function clausesOf(stanza: Stanza, field: string): readonly Clause[] {
  const parsed = parseClauses(stanza.get(field) ?? "");
  if ("clauses" in parsed) return parsed.clauses;
  throw broken(`${required(stanza, "Package")}: ${field} has ${JSON.stringify(parsed.wrong)}, which is no relation`);
}

/** `Source: util-linux (2.41-5)`; left out where it has the package's own name and version. */
function sourceOf(stanza: Stanza, name: string, version: string): InstalledPackage["source"] {
  const text = stanza.get("Source");
  if (text === undefined) return { name, version };
  const [, source, own] = /^([a-z0-9][a-z0-9+.-]*)(?:\s+\(([^()\s]+)\))?$/.exec(text) ?? [];
  if (source === undefined) throw broken(`${name}: Source is ${JSON.stringify(text)}`);
  return { name: source, version: own ?? version };
}

function packageOf(stanza: Stanza): InstalledPackage {
  const name = required(stanza, "Package");
  const words = required(stanza, "Status").split(/\s+/);
  const [, , state] = words;
  if (state === undefined || words.length !== 3) throw broken(`${name}: Status is not three words`);
  const version = stanza.get("Version") ?? "";
  if (version === "" && state === "installed") throw broken(`${name} has no Version`);
  const provides = clausesOf(stanza, "Provides").map((clause) => {
    const [relation, ...more] = clause;
    if (relation !== undefined && more.length === 0) return relation;
    throw broken(`${name}: Provides has alternatives`);
  });
  return {
    name,
    version,
    arch: required(stanza, "Architecture"),
    state,
    essential: stanza.get("Essential") === "yes",
    source: sourceOf(stanza, name, version),
    maintainer: stanza.get("Maintainer") ?? "",
    depends: [...clausesOf(stanza, "Pre-Depends"), ...clausesOf(stanza, "Depends")],
    provides,
  };
}

/**
 * The packages of dpkg's database, /var/lib/dpkg/status, in its order. What was removed but left its configuration is
 * among them, with another state than `installed`.
 * @throws ReleaseError VerificationFailed naming package and field
 */
export const parseDpkgStatus = (text: string): InstalledPackage[] => parseDeb822(text, DPKG_STATUS_FILE).map(packageOf);

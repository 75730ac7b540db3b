import { compareDpkgVersions } from "./dpkg-version.ts";

const OPERATORS = ["<<", "<=", "=", ">=", ">>"] as const;
type Operator = (typeof OPERATORS)[number];

/** One package of a relation: `libc6:amd64 (>= 2.36)`. */
export type Relation = {
  readonly name: string;
  /** what follows the colon: `any` or an architecture; null without */
  readonly qualifier: string | null;
  readonly version: { readonly operator: Operator; readonly value: string } | null;
};

/** Alternatives, any of which is enough, the preferred one first. */
export type Clause = readonly Relation[];

const RELATION = /^([a-z0-9][a-z0-9+.-]*)(?::([a-z0-9-]+))?(?:\s*\(\s*([<=>]{1,2})\s*([A-Za-z0-9.+:~-]+)\s*\))?$/;

/** One relation; null if the text is none. `<` and `>` alone are refused, as dpkg's own database has none. */
function parseRelation(text: string): Relation | null {
  const [, name, qualifier, sign, value] = RELATION.exec(text) ?? [];
  if (name === undefined) return null;
  if (sign === undefined || value === undefined) return { name, qualifier: qualifier ?? null, version: null };
  const operator = OPERATORS.find((known) => known === sign);
  return operator === undefined ? null : { name, qualifier: qualifier ?? null, version: { operator, value } };
}

/**
 * The clauses of a relation field of an installed package (Debian Policy 7.1): `a, b (>= 1) | c`.
 * @returns the text that is no relation, where there is one
 */
export function parseClauses(field: string): { readonly clauses: readonly Clause[] } | { readonly wrong: string } {
  const clauses: Clause[] = [];
  for (const part of field.split(",").map((text) => text.trim())) {
    if (part === "") continue; // a trailing comma is legal
    const clause: Relation[] = [];
    for (const text of part.split("|").map((alternative) => alternative.trim())) {
      const relation = parseRelation(text);
      if (relation === null) return { wrong: text };
      clause.push(relation);
    }
    clauses.push(clause);
  }
  return { clauses };
}

/** What something offers under a name: a package its own version, a virtual package the one it is provided with. */
export type Offer = { readonly version: string | null; readonly arch: string };

/** Whether an offer is what a relation asks for; a version is only met by an offer with one (Debian Policy 7.5). */
export function satisfies(offer: Offer, relation: Relation): boolean {
  const { qualifier, version } = relation;
  if (qualifier !== null && qualifier !== "any" && offer.arch !== "all" && qualifier !== offer.arch) return false;
  if (version === null) return true;
  if (offer.version === null) return false;
  const order = compareDpkgVersions(offer.version, version.value);
  switch (version.operator) {
    case "<<":
      return order < 0;
    case "<=":
      return order <= 0;
    case "=":
      return order === 0;
    case ">=":
      return order >= 0;
    case ">>":
      return order > 0;
  }
}

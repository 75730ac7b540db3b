import { packageKey } from "../../builders/contract/lock.ts";
import { type Clause, type Offer, type Relation, satisfies } from "./dpkg-relations.ts";
import type { InstalledPackage } from "./dpkg-status.ts";
import { ReleaseError } from "./errors.ts";

type Offered = Offer & { readonly key: string };

/** Who meets a relation: the package of that name, or else all that provide it. */
function meeting(relation: Relation, real: ReadonlyMap<string, Offered[]>, virtual: ReadonlyMap<string, Offered[]>) {
  const fit = (offers: readonly Offered[] = []) => offers.filter((offer) => satisfies(offer, relation));
  const own = fit(real.get(relation.name));
  return own.length > 0 ? own : fit(virtual.get(relation.name));
}

const described = (clause: Clause): string =>
  clause
    .map(({ name, qualifier, version }) => {
      const whole = qualifier === null ? name : `${name}:${qualifier}`;
      return version === null ? whole : `${whole} (${version.operator} ${version.value})`;
    })
    .join(" | ");

function grouped(offers: readonly (readonly [name: string, offer: Offered])[]): Map<string, Offered[]> {
  const groups = new Map<string, Offered[]>();
  for (const [name, offer] of offers) groups.set(name, [...(groups.get(name) ?? []), offer]);
  return groups;
}

/**
 * What each package of a root needs of the others there, by packageKey, sorted. Of alternatives the first one that is
 * met counts; a virtual package means everything that provides it. All of them are installed.
 * @throws ReleaseError VerificationFailed if nothing there is what a package needs
 */
export function dependenciesOf(installed: readonly InstalledPackage[]): ReadonlyMap<string, readonly string[]> {
  const real = grouped(
    installed.map((one) => [one.name, { key: packageKey(one), version: one.version, arch: one.arch }] as const),
  );
  const virtual = grouped(
    installed.flatMap((one) =>
      one.provides.map(({ name, version }) => {
        const offer = { key: packageKey(one), version: version?.value ?? null, arch: one.arch };
        return [name, offer] as const;
      }),
    ),
  );
  const needsOf = (one: InstalledPackage): string[] => {
    const own = packageKey(one);
    const needs = one.depends.flatMap((clause) => {
      const met = clause.map((relation) => meeting(relation, real, virtual)).find((offers) => offers.length > 0);
      if (met !== undefined) return met.map(({ key }) => key);
      throw new ReleaseError(
        "VerificationFailed",
        `${one.name} needs ${described(clause)}, and no installed package is that`,
        "make the lock anew with imgrel lock, and build again",
      );
    });
    return [...new Set(needs)].filter((key) => key !== own).toSorted();
  };
  return new Map(installed.map((one) => [packageKey(one), needsOf(one)]));
}

import { describePackage, type LockedPackage } from "../../builders/contract/lock.ts";
import type { Arch } from "../../builders/contract/variant.ts";

/** What is left of a lock. */
export type PinState =
  /** each package is in the cache or can be had from the archive */
  | { readonly kind: "held" }
  /** there is no lock yet; the archive can fulfil what it would hold */
  | { readonly kind: "absent" }
  /** packages, or the state of the archive they are asked from, are gone; each named as people read it */
  | { readonly kind: "gone"; readonly pins: readonly string[] };

/** The state of a lock by those of its packages that no source has any more. */
export const stateWithout = (gone: readonly LockedPackage[]): PinState =>
  gone.length === 0 ? { kind: "held" } : { kind: "gone", pins: gone.map(describePackage) };

/** The pins that are gone, each once. */
export const goneOf = (observed: readonly ObservedArch[]): string[] => [
  ...new Set(
    observed.flatMap(({ release, toolchain }) =>
      [release, toolchain].flatMap((state) => (state.kind === "gone" ? state.pins : [])),
    ),
  ),
];

/** What was found out about one architecture of a release. */
export type ObservedArch = {
  readonly arch: Arch;
  readonly release: PinState;
  readonly toolchain: PinState;
  /** whether the release's lock names the toolchain's lock as it stands; false where either is absent */
  readonly toolchainNamed: boolean;
};

/** One thing to do, in the order of the plan. */
export type RefreshAction =
  /** resolve the toolchain's lock, afresh where it was there */
  | { readonly kind: "make-toolchain-lock"; readonly arch: Arch }
  /** resolve the release's first lock; its version was never built, so it stays */
  | { readonly kind: "make-first-lock"; readonly arch: Arch }
  /** move snapshot, kernels that are gone, version and every lock of the release */
  | { readonly kind: "bump-release"; readonly arches: readonly Arch[] }
  /** keep the packages of the release's locks, let these name the toolchain's lock, and raise the version */
  | { readonly kind: "rename-toolchain"; readonly arches: readonly Arch[] };

/**
 * What a release needs before it can be built from the archive as it is today. Nothing gone: nothing to do. Pins of the
 * release gone: the release is bumped, all architectures together, so that they are of one state of the archive. Pins
 * of the toolchain gone: its lock is made anew; the release's lock names it by digest, so that changes, and with it the
 * version, since a version is never used for two contents (release-api.md 1.1).
 */
export function planRefresh(observed: readonly ObservedArch[]): readonly RefreshAction[] {
  const arches = observed.map(({ arch }) => arch);
  const newToolchains = observed.filter(({ toolchain }) => toolchain.kind !== "held").map(({ arch }) => arch);
  const actions: RefreshAction[] = newToolchains.map((arch) => ({ kind: "make-toolchain-lock", arch }));
  if (observed.some(({ release }) => release.kind === "gone")) return [...actions, { kind: "bump-release", arches }];
  for (const { arch, release } of observed) {
    if (release.kind === "absent") actions.push({ kind: "make-first-lock", arch });
  }
  const renamed = observed
    .filter(({ arch, release, toolchainNamed }) => {
      return release.kind === "held" && (!toolchainNamed || newToolchains.includes(arch));
    })
    .map(({ arch }) => arch);
  return renamed.length === 0 ? actions : [...actions, { kind: "rename-toolchain", arches: renamed }];
}

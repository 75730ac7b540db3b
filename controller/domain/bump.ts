import { isScalar, parseDocument, Scalar } from "yaml";
import { canonicalJson } from "../../builders/contract/digest.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { requireDocument } from "./documents.ts";
import { ReleaseError } from "./errors.ts";
import { type KernelOffer, newestKernel } from "./kernel-package.ts";
import { nextVersion } from "./next-version.ts";
import { archesOf, type DiskImageRelease, type ReleaseSpec } from "./release.ts";

/** Which values of a spec move. Everything else of it stays, to the byte. */
export type Bump = {
  readonly version: string;
  /** only where the spec names a snapshot and the packages move */
  readonly snapshot?: string;
  /** the kernels that move */
  readonly kernels: Readonly<Partial<Record<Arch, string>>>;
};

export type BumpFacts = {
  /** versions that this release ever had */
  readonly used: ReadonlySet<string>;
  /** state of the archive that the packages move to, from {@link nextSnapshot}; null: none is named, or they stay */
  readonly snapshot: string | null;
  /** kernels that the archive has in that state; an architecture that is left out keeps its kernel */
  readonly offers: Readonly<Partial<Record<Arch, readonly KernelOffer[]>>>;
  /** whether kernels move although the archive still has them */
  readonly newestKernels: boolean;
};

/** A moment as package archives name their states: UTC, to the second. */
export const snapshotOf = (moment: Date): string => moment.toISOString().replaceAll(/[-:]|\.[0-9]+/g, "");

/**
 * The state of the archive that a bump at `now` moves to; null for a spec that names none and so takes the present one.
 * Their names sort by time: a clock that is behind takes no package back.
 */
export function nextSnapshot({ inputs }: ReleaseSpec, now: Date): string | null {
  const { snapshot } = inputs.distribution;
  if (snapshot === undefined) return null;
  const present = snapshotOf(now);
  return present > snapshot ? present : snapshot;
}

/**
 * What a bump changes: the version always, the snapshot if the packages move, a kernel if the archive no longer has it.
 * @throws ReleaseError NotFound if a kernel is gone and there is none of its flavour; SpecInvalid if there is no
 * next version
 */
export function decideBump(spec: ReleaseSpec, { used, snapshot, offers, newestKernels }: BumpFacts): Bump {
  const kernels: Partial<Record<Arch, string>> = {};
  for (const arch of archesOf(spec)) {
    const pinned = spec.inputs.kernelPackage[arch];
    const offered = offers[arch];
    if (pinned === undefined || offered === undefined) continue;
    if (!newestKernels && offered.some(({ name }) => name === pinned)) continue;
    const { name } = newestKernel(pinned, offered);
    if (name !== pinned) kernels[arch] = name;
  }
  const moves = snapshot !== null && spec.inputs.distribution.snapshot !== undefined;
  return { version: nextVersion(spec.version, used), kernels, ...(moves ? { snapshot } : {}) };
}

/** A spec with a bump applied. */
export const bumpedSpec = (spec: ReleaseSpec, { version, snapshot, kernels }: Bump): ReleaseSpec => ({
  ...spec,
  version,
  inputs: {
    ...spec.inputs,
    distribution: { ...spec.inputs.distribution, ...(snapshot === undefined ? {} : { snapshot }) },
    kernelPackage: { ...spec.inputs.kernelPackage, ...kernels },
  },
});

/** How a value is written where `old` stood: quoted as that was. */
function written(value: string, old: Scalar, file: string): string {
  if (old.type === Scalar.QUOTE_SINGLE) return `'${value.replaceAll("'", "''")}'`;
  if (old.type === Scalar.PLAIN && parseDocument(value).toJS() === value) return value;
  if (old.type === Scalar.PLAIN || old.type === Scalar.QUOTE_DOUBLE) return JSON.stringify(value);
  throw new ReleaseError(
    "SpecInvalid",
    `${file}: "${String(old.value)}" is written as a block, which a bump cannot replace`,
    "write the value on the line of its key",
  );
}

/**
 * A release.yaml with a bump applied: only the values that move are replaced, so comments, order and form stay.
 * @throws ReleaseError SpecInvalid if `text` is no release
 */
export function editRelease(text: string, file: string, bump: Bump): { text: string; release: DiskImageRelease } {
  const before = requireDocument(text, file, "DiskImageRelease");
  const moves: [path: string[], value: string][] = [[["spec", "version"], bump.version]];
  if (bump.snapshot !== undefined) moves.push([["spec", "inputs", "distribution", "snapshot"], bump.snapshot]);
  for (const [arch, name] of Object.entries(bump.kernels)) {
    moves.push([["spec", "inputs", "kernelPackage", arch], name]);
  }
  const document = parseDocument(text, { version: "1.2", schema: "core" });
  const edits = moves.map(([path, value]) => {
    const node = document.getIn(path, true);
    if (!isScalar(node) || !node.range) {
      throw new ReleaseError(
        "SpecInvalid",
        `${file} has no ${path.join(".")}`,
        "add it: a bump only moves what is there",
      );
    }
    return { start: node.range[0], end: node.range[1], source: written(value, node, file) };
  });
  const edited = edits
    .toSorted((a, b) => b.start - a.start)
    .reduce((whole, { start, end, source }) => whole.slice(0, start) + source + whole.slice(end), text);
  const release = requireDocument(edited, file, "DiskImageRelease");
  if (canonicalJson(release) !== canonicalJson({ ...before, spec: bumpedSpec(before.spec, bump) })) {
    throw new ReleaseError("Internal", `bumping ${file} changed more than it should`, "report this as a bug of imgrel");
  }
  return { text: edited, release };
}

import type { BuildManifest } from "../../builders/contract/build-manifest.ts";
import type { Lock } from "../../builders/contract/lock.ts";
import type { Variant } from "../../builders/contract/variant.ts";
import type { Layout } from "./layout.ts";
import type { EncodedBundle } from "./publication.ts";
import type { RecordParts, SbomFiles } from "./record.ts";
import { composeManifest, type ManifestParts, type PublishedManifest, type RecordManifest } from "./record-manifest.ts";
import type { ReleaseFacts } from "./release-facts.ts";
import type { ProvenFile } from "./run-record.ts";
import type { DocumentName } from "./target.ts";

/** One arch of a release that was published. */
export type RecordedArch = {
  readonly manifest: BuildManifest;
  readonly lock: Lock;
  readonly toolchain: Lock;
  readonly inputs: PublishedManifest;
  readonly files: readonly ProvenFile[];
  readonly runs: number;
  readonly booted: boolean;
  readonly spdx: string;
  readonly cyclonedx: string;
  readonly targets: readonly {
    readonly variant: Variant;
    readonly oci: PublishedManifest;
    readonly layout: Layout | null;
    /** bundles by document */
    readonly documents: ReadonlyMap<DocumentName, EncodedBundle>;
  }[];
};

const bundlesOf = (arch: RecordedArch, pick: (document: DocumentName) => boolean) =>
  arch.targets.flatMap(({ variant, documents }) =>
    [...documents].flatMap(([document, bundle]) =>
      pick(document) ? [{ arch: arch.manifest.arch, variant, document, bundle: bundle.bytes }] : [],
    ),
  );

function sbomOf(arch: RecordedArch): SbomFiles<Uint8Array> {
  // every target has the same bundle; where an earlier version signed one for each, the first stands for the arch
  const [first] = bundlesOf(arch, (document) => document === "sbom");
  if (first === undefined) throw new RangeError(`the bill of materials of ${arch.manifest.arch} is not signed`);
  return { arch: arch.manifest.arch, spdx: arch.spdx, cyclonedx: arch.cyclonedx, bundle: first.bundle };
}

/** The parts of a record, from what was built, proven, signed and published. */
export function composeRecord(
  release: ReleaseFacts,
  sourceDateEpoch: number,
  arches: readonly RecordedArch[],
  signer: RecordManifest["signer"],
): RecordParts<Uint8Array> {
  const manifestParts: ManifestParts = {
    release,
    sourceDateEpoch,
    gate: {
      runs: Math.min(...arches.map(({ runs }) => runs)),
      reproduced: true,
      booted: arches.every(({ booted }) => booted),
    },
    arches: arches.map(({ manifest, lock, toolchain, inputs, files, targets }) => ({
      ...{ manifest, lock, toolchain, inputs, artifacts: files },
      targets: targets.map(({ variant, oci, layout }) => ({ variant, oci, layout })),
    })),
    signer,
  };
  return {
    manifest: composeManifest(manifestParts),
    provenance: arches.flatMap((one) =>
      bundlesOf(one, (document) => document.startsWith("provenance-run-")).map(
        ({ arch, variant, document, bundle }) => ({
          ...{ arch, variant, bundle },
          run: Number(document.slice("provenance-run-".length)),
        }),
      ),
    ),
    tests: arches.flatMap((one) => bundlesOf(one, (document) => document === "tests")),
    sboms: arches.map(sbomOf),
    diffs: [],
  };
}

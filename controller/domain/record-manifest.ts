import { z } from "zod";
import { type BuildManifest } from "../../builders/contract/build-manifest.ts";
import { Digest, Sha256Hex, stableJson } from "../../builders/contract/digest.ts";
import { type Lock, lockDigest } from "../../builders/contract/lock.ts";
import { ARCHES, Arch, type Variant, VARIANTS } from "../../builders/contract/variant.ts";
import type { ComparedArtifact } from "./comparison.ts";
import { Layout } from "./layout.ts";
import { recordInvalid, recordJson } from "./record-invalid.ts";
import { RECORD_FILES } from "./record-files.ts";
import { CommitId, type ReleaseFacts } from "./release-facts.ts";

/** A path below a folder that climbs nowhere and hides nothing; segments begin with a letter, digit or underscore. */
const OutputPath = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._+-]*(\/[A-Za-z0-9_][A-Za-z0-9._+-]*)*$/, "must be a plain relative path");

const TARGETS = new RegExp(`^(${ARCHES.join("|")})/(${VARIANTS.join("|")})$`);

const RecordedFile = z.strictObject({
  sha256: Sha256Hex,
  sizeBytes: z.int().nonnegative(),
  /** SHA-256, 4096-byte blocks, no salt; `digest` is what `fsverity digest` prints */
  fsverity: z.strictObject({ digest: Digest }),
});
const Files = z.record(OutputPath, RecordedFile);

/** A manifest in a registry or layout: the tag it was given, and what it is for ever. */
export const PublishedManifest = z.strictObject({
  reference: z.string().regex(/^[^\s@]+:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/, "must be <repository>:<tag>"),
  digest: Digest,
});
export type PublishedManifest = z.infer<typeof PublishedManifest>;

const ArchRecord = z.strictObject({
  kernelVersion: z.string().min(1),
  /** digest of lock.<arch>.json, and of the lock of the toolchain that it names */
  lock: Digest,
  toolchainLock: Digest,
  /** the archive of all inputs; null where none is kept */
  inputs: PublishedManifest.nullable(),
  rootImage: z.strictObject({
    sha256: Sha256Hex,
    sizeBytes: z.int().positive(),
    fsverity: z.strictObject({ digest: Digest, rootHash: Digest }),
  }),
  /** beside the variants, by path below `<arch>/`: build-manifest.json */
  files: Files,
});

const TargetRecord = z.strictObject({
  /** null for a target that is not published */
  oci: PublishedManifest.nullable(),
  layout: Layout.nullable(),
  /** by path below `<arch>/<variant>/` */
  files: Files,
});

/** `manifest.json`: what a release consists of (trust.md 2.1). Its bytes are signed through the release statement. */
export const RecordManifest = z.strictObject({
  schemaVersion: z.literal(1),
  release: z.strictObject({
    name: z.string().min(1),
    version: z.string().min(1),
    repository: z.string().min(1),
    branch: z.string().min(1),
    specCommit: CommitId,
    specDigest: Digest,
    sourceDateEpoch: z.int().nonnegative(),
  }),
  /** what the release passed: how many runs were compared, whether they are the same, whether all boots passed */
  gate: z.strictObject({ runs: z.int().min(1).max(99), reproduced: z.boolean(), booted: z.boolean() }),
  arches: z.partialRecord(Arch, ArchRecord),
  /** by `<arch>/<variant>` */
  targets: z.record(z.string().regex(TARGETS, "must be <arch>/<variant>"), TargetRecord),
  signer: z.strictObject({ mode: z.literal("key"), publicKey: z.string().min(1), keySha256: Sha256Hex }),
});
export type RecordManifest = z.infer<typeof RecordManifest>;

/** One arch of a release, for {@link composeManifest}. */
export type ArchParts = {
  readonly manifest: BuildManifest;
  readonly lock: Lock;
  readonly toolchain: Lock;
  readonly inputs: PublishedManifest | null;
  /** all files of the arch as the comparator hashed them */
  readonly artifacts: readonly ComparedArtifact[];
  readonly targets: readonly {
    readonly variant: Variant;
    readonly oci: PublishedManifest | null;
    readonly layout: Layout | null;
  }[];
};

/** What a release came to, for {@link composeManifest}. */
export type ManifestParts = {
  readonly release: ReleaseFacts;
  readonly sourceDateEpoch: number;
  readonly gate: RecordManifest["gate"];
  readonly arches: readonly ArchParts[];
  /** the signer's public half, as ports/signer.ts has it */
  readonly signer: RecordManifest["signer"];
};

/** Files below a folder, by their path there. */
const filesBelow = (
  artifacts: readonly ComparedArtifact[],
  folder: string,
): RecordManifest["targets"][string]["files"] =>
  Object.fromEntries(
    artifacts
      .filter(({ path }) => path.startsWith(folder))
      .map(({ path, sha256, sizeBytes, fsverityDigest }) => [
        path.slice(folder.length),
        { sha256, sizeBytes, fsverity: { digest: fsverityDigest } },
      ]),
  );

function archRecord({ manifest, lock, toolchain, inputs, artifacts }: ArchParts) {
  const { arch, root_image: root } = manifest;
  const beside = artifacts.filter(({ path }) => path.split("/").length === 2);
  return {
    kernelVersion: manifest.kernel_version,
    lock: lockDigest(lock),
    toolchainLock: lockDigest(toolchain),
    inputs,
    rootImage: {
      sha256: root.sha256,
      sizeBytes: root.size_bytes,
      fsverity: { digest: root.fsverity_digest, rootHash: manifest.fsverity_root_hash },
    },
    files: filesBelow(beside, `${arch}/`),
  };
}

/** The manifest of a release from what is known of it. */
export const composeManifest = ({ release, sourceDateEpoch, gate, arches, signer }: ManifestParts): RecordManifest => ({
  schemaVersion: 1,
  release: { ...release, sourceDateEpoch },
  gate,
  arches: Object.fromEntries(arches.map((parts) => [parts.manifest.arch, archRecord(parts)])),
  targets: Object.fromEntries(
    arches.flatMap(({ manifest: { arch }, targets, artifacts }) =>
      targets.map(({ variant, oci, layout }) => [
        `${arch}/${variant}`,
        { oci, layout, files: filesBelow(artifacts, `${arch}/${variant}/`) },
      ]),
    ),
  ),
  signer,
});

/** All files that a manifest names, in order of their path below the output folder. */
export const artifactsOf = ({ arches, targets }: RecordManifest): ComparedArtifact[] =>
  [...Object.entries(arches), ...Object.entries(targets)]
    .flatMap(([folder, { files }]) =>
      Object.entries(files).map(([file, { sha256, sizeBytes, fsverity }]) => ({
        ...{ path: `${folder}/${file}`, sha256, sizeBytes },
        fsverityDigest: fsverity.digest,
      })),
    )
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));

/** The manifest as it is stored. Same manifest, same bytes. */
export const serializeManifest = (manifest: RecordManifest): string => stableJson(manifest);

/**
 * Reads a stored manifest.
 * @throws ReleaseError RecordInvalid naming the field; also for a text in another form, which could say one thing to us
 * and another to the next reader
 */
export function parseManifest(text: string): RecordManifest {
  const manifest = recordJson(RECORD_FILES.manifest, text, RecordManifest);
  if (serializeManifest(manifest) !== text) {
    throw recordInvalid(RECORD_FILES.manifest, "", "is not in the form that imgrel writes");
  }
  return manifest;
}

import { type Digest, digestOf, type Sha256Hex } from "../../builders/contract/digest.ts";
import { type Lock, lockDigest, type LockedPackage, serializeLock } from "../../builders/contract/lock.ts";
import { ARTIFACT_TYPE, type ArtifactContent, encodeArtifact, type EncodedManifest } from "./artifact-manifest.ts";
import { inputsTag } from "./artifact-names.ts";
import { ReleaseError } from "./errors.ts";
import { newestIndex } from "./lock-date.ts";
import { lockFileName } from "./release-lock.ts";

/** What a release of one arch was made from, but for its spec, which git keeps (docs/adr/0009). */
export type ReleaseInputs = {
  readonly lock: Lock;
  /** the lock that `lock.toolchain` names */
  readonly toolchain: Lock;
};

/** All inputs as one artifact: everything that a rebuild needs when no package archive is left. */
export type InputsArchive = {
  readonly tag: string;
  readonly manifest: EncodedManifest;
  /** layers whose bytes stand here: the locks */
  readonly documents: ReadonlyMap<Digest, Uint8Array>;
  /** layers that are packages, by SHA-256; each once */
  readonly packages: readonly { readonly sha256: Sha256Hex; readonly size: number }[];
};

const PACKAGE = "application/vnd.debian.binary-package";

/** Titles of packages: as in the archive's pool; by hash where two archives use one name for different files. */
function packageFiles(packages: readonly LockedPackage[]): ArtifactContent["files"] {
  const baseName = ({ path }: LockedPackage) => path.slice(path.lastIndexOf("/") + 1);
  const unique = [...new Map(packages.map((locked) => [locked.sha256, locked])).values()];
  const uses = Map.groupBy(unique, baseName);
  return unique
    .map((locked) => ({
      title: uses.get(baseName(locked))?.length === 1 ? baseName(locked) : `${locked.sha256}.deb`,
      ...{ mediaType: PACKAGE, digest: `sha256:${locked.sha256}`, size: locked.size },
    }))
    .toSorted((a, b) => (a.title < b.title ? -1 : 1));
}

/**
 * The archive of a lock's inputs: both locks, then every package of target and toolchain by title. Same locks, same
 * digest.
 * @throws ReleaseError ToolchainMismatch if the lock was made for another toolchain
 */
export function inputsArchive(inputs: ReleaseInputs): InputsArchive {
  const { lock, toolchain } = inputs;
  if (lock.toolchain !== lockDigest(toolchain)) {
    throw new ReleaseError(
      "ToolchainMismatch",
      `the lock is for the toolchain ${lock.toolchain}, not for ${lockDigest(toolchain)}`,
      "lock the release anew, or use the version of imgrel that locked it",
    );
  }
  const encode = (text: string) => new TextEncoder().encode(text);
  const documents = [
    { title: lockFileName(lock.arch), mediaType: "application/json", bytes: encode(serializeLock(lock)) },
    {
      title: `toolchain.${lockFileName(lock.arch)}`,
      mediaType: "application/json",
      bytes: encode(serializeLock(toolchain)),
    },
  ].map((document) => ({ ...document, digest: digestOf(document.bytes), size: document.bytes.byteLength }));
  const packages = packageFiles([...lock.packages, ...toolchain.packages]);
  return {
    tag: inputsTag(lockDigest(lock)),
    manifest: encodeArtifact({
      artifactType: ARTIFACT_TYPE.inputs,
      files: [...documents, ...packages],
      sourceDateEpoch: newestIndex([lock, toolchain]),
    }),
    documents: new Map(documents.map(({ digest, bytes }) => [digest, bytes])),
    packages: packages.map(({ digest, size }) => ({ sha256: digest.slice("sha256:".length), size })),
  };
}

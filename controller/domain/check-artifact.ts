import type { ComparedArtifact } from "./comparison.ts";
import { ANNOTATION, ArtifactManifest, type Descriptor } from "./oci.ts";
import { PLATFORM_PREDICATE, PlatformPredicate } from "./platform-statement.ts";
import type { PublishedManifest, RecordManifest } from "./record-manifest.ts";
import { recordInvalid, recordJson } from "./record-invalid.ts";
import type { Statement } from "./statement.ts";

/** What a layer of a target's artifact is: a file of the record, or a bundle beside a disk image. */
export type Layers = {
  readonly files: readonly { readonly artifact: ComparedArtifact; readonly layer: Descriptor }[];
  /** null for anything but a disk image */
  readonly bundles: { readonly signature: Descriptor; readonly statement: Descriptor } | null;
};

const stemOf = (name: string): string => name.replace(/\.[^.]*$/, "");

/** Says which target of which store is not the record's. */
export const artifactInvalid = (target: string, why: string) => recordInvalid("registry", target, why);

/**
 * The layers of a target's artifact: exactly the record's files of it, each with the digest and size that the record has;
 * of a disk image the image alone and its two bundles (platform contract, "Publication").
 * @param artifacts the record's files of the target
 * @param text the manifest, its digest known to be the record's
 * @throws ReleaseError RecordInvalid
 */
export function layersOf(target: string, artifacts: readonly ComparedArtifact[], text: string): Layers {
  const wrong = (why: string) => artifactInvalid(target, why);
  const { layers } = recordJson(`registry: ${target}`, text, ArtifactManifest);
  const byTitle = new Map(layers.map((layer) => [layer.annotations?.[ANNOTATION.title] ?? "", layer]));
  if (byTitle.size < layers.length) throw wrong("two layers have one name");
  const take = (title: string): Descriptor => {
    const layer = byTitle.get(title);
    if (layer === undefined) throw wrong(`${title} is not in the manifest`);
    byTitle.delete(title);
    return layer;
  };
  const images = artifacts.filter(({ path }) => path.endsWith(".img"));
  const files = (images.length > 0 ? images : artifacts).map((artifact) => {
    const layer = take(artifact.path.slice(target.length + 1));
    if (layer.digest !== `sha256:${artifact.sha256}` || layer.size !== artifact.sizeBytes) {
      throw wrong(`${artifact.path} is ${layer.digest}, ${layer.size} bytes; the record has another`);
    }
    return { artifact, layer };
  });
  const [image] = images;
  const stem = image === undefined ? "" : stemOf(image.path.slice(target.length + 1));
  const bundles =
    image === undefined
      ? null
      : { signature: take(`${stem}.cosign-bundle`), statement: take(`${stem}.attestation-bundle`) };
  const [extra] = byTitle.keys();
  if (extra !== undefined) throw wrong(`${extra} is no file of the release`);
  return { files, bundles };
}

/**
 * Checks the platform's statement beside a disk image, whose signature is known to be good.
 * @throws ReleaseError RecordInvalid
 */
export function checkPlatformStatement(
  target: string,
  statement: Statement,
  image: ComparedArtifact,
  release: RecordManifest["release"],
  oci: PublishedManifest,
): void {
  const wrong = (why: string) => artifactInvalid(target, `the platform's statement ${why}`);
  if (statement.predicateType !== PLATFORM_PREDICATE) throw wrong(`is of type ${statement.predicateType}`);
  const [subject, ...more] = statement.subject;
  if (more.length > 0 || subject?.name !== image.path.split("/").at(-1) || subject?.digest.sha256 !== image.sha256) {
    throw wrong("is not about the image");
  }
  const parsed = PlatformPredicate.safeParse(statement.predicate);
  if (!parsed.success) throw wrong(`is malformed: ${parsed.error.issues[0]?.path.join(".")}`);
  const { data } = parsed;
  const wanted = {
    ...{ sha256: image.sha256, size_bytes: image.sizeBytes, git_sha: release.specCommit },
    ...{ arch: target.split("/")[0], oci_ref: oci.reference },
  } as const;
  for (const [field, value] of Object.entries(wanted)) {
    const said = data[field as keyof typeof wanted];
    if (said !== value) throw wrong(`says ${field} ${said}, not ${value}`);
  }
}

/**
 * The file of a release that a file somewhere else is, by its bytes.
 * @param given its path as its user names it, and its hashes
 * @throws ReleaseError RecordInvalid if the release has no such file
 */
export function checkGivenFile(artifacts: readonly ComparedArtifact[], given: ComparedArtifact): ComparedArtifact {
  const found = artifacts.find(({ sha256 }) => sha256 === given.sha256);
  if (found === undefined) throw recordInvalid(given.path, "", `SHA-256 ${given.sha256} is no file of the release`);
  checkMeasured(found, given);
  return found;
}

/**
 * Checks size and fs-verity digest of bytes whose SHA-256 is the record's.
 * @throws ReleaseError RecordInvalid
 */
export function checkMeasured(
  artifact: ComparedArtifact,
  measured: Pick<ComparedArtifact, "sizeBytes" | "fsverityDigest">,
): void {
  for (const field of ["sizeBytes", "fsverityDigest"] as const) {
    if (artifact[field] === measured[field]) continue;
    throw recordInvalid(artifact.path, field, `is ${measured[field]}, the record has ${artifact[field]}`);
  }
}

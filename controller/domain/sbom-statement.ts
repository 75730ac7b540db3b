import { sha256Hex } from "../../builders/contract/digest.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import type { ComparedArtifact } from "./comparison.ts";
import { PREDICATE, type Statement, STATEMENT_TYPE } from "./statement.ts";
import { artifactSubject, byName } from "./subjects.ts";

/** A larger document is signed by its digest only. */
export const MAX_EMBEDDED_SBOM_BYTES = 1024 * 1024;

/** The bills of materials of one arch, and where they are kept. */
export type SbomDocuments = {
  readonly arch: Arch;
  /** texts of spdxDocument and cyclonedxDocument */
  readonly spdx: string;
  readonly cyclonedx: string;
  /** URI of the folder that holds `<arch>.spdx.json` and `<arch>.cdx.json` */
  readonly location: string;
  /** URI of the system that made them: the builder's id */
  readonly attester: string;
};

const bytesOf = (text: string): number => new TextEncoder().encode(text).byteLength;

/** The files that are images: a variant's checksums are none, nor is what stands beside the variants. */
const isImage = (arch: Arch, path: string): boolean =>
  path.startsWith(`${arch}/`) && path.split("/").length > 2 && !path.endsWith("/SHA256SUMS");

function reference({ arch, spdx, cyclonedx, location, attester }: SbomDocuments): Statement["predicate"] {
  const entry = (file: string, text: string, mediaType: string) => ({
    name: file,
    downloadLocation: `${location}/${file}`,
    digest: { sha256: sha256Hex(text) },
    mediaType,
  });
  return {
    attester: { id: attester },
    references: [
      entry(`${arch}.spdx.json`, spdx, "application/spdx+json"),
      entry(`${arch}.cdx.json`, cyclonedx, "application/vnd.cyclonedx+json"),
    ],
  };
}

/**
 * The statement that ties an arch's images to what is in them. It holds the SPDX document itself (predicate type of SPDX
 * 2.3); if that is larger than 1 MiB, it names both documents by their digests instead (in-toto reference v0.1).
 * @throws RangeError if there is no image of the arch
 */
export function sbomStatement(documents: SbomDocuments, artifacts: readonly ComparedArtifact[]): Statement {
  const { arch, spdx } = documents;
  const images = artifacts.filter(({ path }) => isImage(arch, path));
  if (images.length === 0) throw new RangeError(`there is no image for ${arch}`);
  const embedded = bytesOf(spdx) <= MAX_EMBEDDED_SBOM_BYTES;
  return {
    _type: STATEMENT_TYPE,
    subject: images.map(artifactSubject).toSorted(byName),
    predicateType: embedded ? PREDICATE.spdx : PREDICATE.reference,
    predicate: embedded ? (JSON.parse(spdx) as Statement["predicate"]) : reference(documents),
  };
}

import type { Digest, Sha256Hex } from "../../builders/contract/digest.ts";
import type { Lock } from "../../builders/contract/lock.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { type ImagePackage, imagePackages } from "./image-packages.ts";
import { genericPurl } from "./purl.ts";
import { timestamp } from "./timestamp.ts";

/** The image that a bill of materials is about: the root of one arch. Equal facts give equal documents. */
export type SbomImage = {
  /** metadata.name and spec.version of the release */
  readonly release: string;
  readonly version: string;
  readonly arch: Arch;
  /** digest of spec and locks: identifiers are made from it */
  readonly specDigest: Digest;
  /** seconds since 1970: when the documents say that they were made */
  readonly sourceDateEpoch: number;
  /** version of imgrel, which writes the documents */
  readonly imgrel: string;
  /** SHA-256 of the root image */
  readonly rootImage: Sha256Hex;
};

/** What both document formats are written from. */
export type Sbom = SbomImage & { readonly packages: readonly ImagePackage[] };

/**
 * The bill of materials of an image, from its release lock and its own dpkg database.
 * @throws ReleaseError VerificationFailed as imagePackages
 */
export const composeSbom = (image: SbomImage, lock: Lock, dpkgStatus: string): Sbom => ({
  ...image,
  packages: imagePackages(lock, dpkgStatus),
});

/** The image's own name in both formats. */
export const imageName = ({ release, arch }: SbomImage): string => `${release}-${arch}`;

/** The image as a package URL. */
export const imagePurl = (image: SbomImage): string =>
  `${genericPurl(image.release, image.version)}?arch=${image.arch}`;

/** When the documents say that they were made. */
export const createdOn = ({ sourceDateEpoch }: SbomImage): string => timestamp(new Date(sourceDateEpoch * 1000));

/** `util-linux 2.41.5-0+deb13u1`, the source package. */
export const describeSource = ({ source }: ImagePackage): string => `${source.name} ${source.version}`;

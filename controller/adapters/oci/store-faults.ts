import { Digest } from "../../../builders/contract/digest.ts";
import { ReleaseError } from "../../domain/errors.ts";

/**
 * The same digest, once it is known to be one: it stands in addresses and in file names.
 * @throws ReleaseError Usage
 */
export function checkedDigest(digest: string): Digest {
  if (Digest.safeParse(digest).success) return digest;
  throw new ReleaseError(
    "Usage",
    `${JSON.stringify(digest)} is not a digest`,
    "write sha256:<64 lower-case hex digits>",
  );
}

/** A blob that was asked for and is not there. */
export const missingBlob = (store: string, digest: Digest): ReleaseError =>
  new ReleaseError("NotFound", `${store} has no blob ${digest}`, "publish again: what is missing is pushed");

/** A manifest that must be there is not: not yet, or not any more. */
export const missingManifest = (store: string, digest: Digest): ReleaseError =>
  new ReleaseError("RegistryUnavailable", `${store} has no manifest ${digest}`, "it is pushed again at the next try");

/** A manifest refers to something that was never pushed. */
export const missingPart = (store: string, manifest: Digest, part: Digest): ReleaseError =>
  new ReleaseError(
    "RegistryRefused",
    `${store}: manifest ${manifest} refers to ${part}, which is not there`,
    "push it first",
  );

/** A tag that is taken. */
export const tagConflict = (store: string, tag: string, present: string, wanted: Digest): ReleaseError =>
  new ReleaseError(
    "TagConflict",
    `${store}:${tag} is ${present} already, not ${wanted}`,
    "release under another name: a published tag is never moved",
  );

/** A store sends or keeps other bytes than those of a digest. */
export const wrongBytes = (expected: string, found: string): ReleaseError =>
  new ReleaseError(
    "RegistryDigestMismatch",
    `instead of ${expected} there is ${found}`,
    "do not trust the store or what is between it and here; nothing of it was used",
  );

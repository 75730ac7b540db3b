import type { Digest } from "../../builders/contract/digest.ts";
import type { Arch, Variant } from "../../builders/contract/variant.ts";
import { ReleaseError } from "./errors.ts";
import { judgeText, type TextRule } from "./text-rule.ts";

/** A tag of an OCI repository (distribution-spec, "Pulling manifests"). */
export const TAG: TextRule = {
  what: "a tag",
  pattern: /^[A-Za-z0-9_][A-Za-z0-9._-]*$/,
  maxLength: 128,
  form: "use letters, digits, dots, underscores and hyphens, with a letter, digit or underscore first",
};

/**
 * The same tag, once it is known to be one: it stands in addresses and in file names.
 * @throws ReleaseError Usage
 */
export function checkedTag(tag: string): string {
  const fault = judgeText(TAG, tag);
  if (fault === undefined) return tag;
  throw new ReleaseError("Usage", `the tag ${fault.message}`, fault.remedy);
}

/** Tag of one artifact of a release. */
export const artifactTag = (release: string, arch: Arch, variant: Variant): string =>
  checkedTag(`${release}-${arch}-${variant}`);

/** Tag of the archive of a lock's inputs. */
export const inputsTag = (lock: Digest): string => checkedTag(`inputs-${lock.slice("sha256:".length)}`);

/** Tag that lists what refers to a manifest where a registry has no referrers API (distribution-spec, "Referrers Tag Schema"). */
export const referrersTag = (subject: Digest): string => checkedTag(subject.replace(":", "-"));

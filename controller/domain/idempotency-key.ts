import { type Digest, type Sha256Hex, sha256Hex } from "../../builders/contract/digest.ts";

/**
 * What marks an external effect, so that whoever comes later knows that it was made (release-api.md 2.2). No attempt and
 * no process is in it: a cluster that is set up anew finds what exists.
 */
export const idempotencyKey = (effect: {
  readonly repository: string;
  readonly release: string;
  readonly specDigest: Digest;
  readonly step: string;
  /** empty for an effect on the whole release */
  readonly target: string;
}): Sha256Hex =>
  sha256Hex([effect.repository, effect.release, effect.specDigest, effect.step, effect.target].join("\0"));

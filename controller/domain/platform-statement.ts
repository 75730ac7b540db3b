import { z } from "zod";
import { Sha256Hex } from "../../builders/contract/digest.ts";
import { Arch } from "../../builders/contract/variant.ts";
import { type Statement, STATEMENT_TYPE } from "./statement.ts";

/**
 * cosign's predicate type "custom". The platform's ingest names no `--type`, and cosign then takes this one alone
 * (cosign verify-blob-attestation, seen with 3.1.1).
 */
export const PLATFORM_PREDICATE = "https://cosign.sigstore.dev/attestation/v1";

/** What the platform is told about an image, in its own names; null where the release says nothing. */
export const PlatformPredicate = z.strictObject({
  platform_name: z.string().min(1).nullable(),
  /** `<repository>:<release>-<arch>-<variant>`: the artifact that holds this very statement */
  oci_ref: z.string().regex(/^[^\s@]+:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/, "must end in a tag"),
  /** of the .img file */
  sha256: Sha256Hex,
  size_bytes: z.int().positive(),
  /** the commit that last touched the spec */
  git_sha: z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, "must be a whole commit ID"),
  firmware_ref: z.string().min(1).nullable(),
  arch: Arch,
  /** end of run 1, RFC 3339 in UTC */
  built_at: z.iso.datetime(),
});
export type PlatformPredicate = z.infer<typeof PlatformPredicate>;

/**
 * The statement that the platform reads beside an image named `file`.
 * @throws ZodError on facts that the platform would refuse
 */
export function platformStatement(file: string, facts: PlatformPredicate): Statement {
  const predicate = PlatformPredicate.parse(facts);
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: file, digest: { sha256: predicate.sha256 } }],
    predicateType: PLATFORM_PREDICATE,
    predicate,
  };
}

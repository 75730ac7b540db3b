import { z } from "zod";
import { canonicalJson, type Digest, digestOf, Sha256Hex } from "../../builders/contract/digest.ts";

/** An in-toto Statement v1 (in-toto attestation framework, spec/v1/statement.md). */
export const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
/** Payload type of a statement in a DSSE envelope (spec/v1/envelope.md). */
export const STATEMENT_PAYLOAD = "application/vnd.in-toto+json";

/** Predicate types, by what they say. */
export const PREDICATE = {
  provenance: "https://slsa.dev/provenance/v1",
  release: "https://in-toto.io/attestation/release/v0.1",
  testResult: "https://in-toto.io/attestation/test-result/v0.1",
  reference: "https://in-toto.io/attestation/reference/v0.1",
  spdx: "https://spdx.dev/Document/v2.3",
  cyclonedx: "https://cyclonedx.org/bom",
  vsa: "https://slsa.dev/verification_summary/v1",
  /** ours, for records/index.json: docs/records.md */
  recordIndex: "https://imgrel.example/attestations/record-index/v1",
} as const;

/** What a statement is about: a file by name and SHA-256 (spec/v1/resource_descriptor.md). */
export const Subject = z.object({
  name: z.string().min(1),
  digest: z.object({ sha256: Sha256Hex }),
  annotations: z.record(z.string(), z.unknown()).exactOptional(),
});
export type Subject = z.infer<typeof Subject>;

export const Statement = z.object({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.array(Subject).min(1),
  predicateType: z.string().min(1),
  predicate: z.record(z.string(), z.unknown()),
});
export type Statement = z.infer<typeof Statement>;

/** What tells one statement from another: the digest of its canonical JSON, which is what is signed. */
export const statementDigest = (statement: Statement): Digest => digestOf(canonicalJson(statement));

/** Whether two statements say the same, whatever the order of their members. */
export const sameStatement = (a: Statement, b: Statement): boolean => canonicalJson(a) === canonicalJson(b);

import { z } from "zod";
import { BootResult } from "../../builders/contract/boot.ts";
import { Digest, Sha256Hex } from "../../builders/contract/digest.ts";
import { Variation } from "../../builders/contract/variation.ts";

/** When and in which surroundings a run was done. It stands in provenance, never in an artifact. */
export const RunRecord = z.strictObject({
  run: z.int().positive(),
  startedOn: z.iso.datetime(),
  finishedOn: z.iso.datetime(),
  variation: Variation,
  /** the run's logs, by name */
  logs: z.array(z.strictObject({ name: z.string(), sha256: Sha256Hex })),
  /** the cluster's node that built it; left out: this machine */
  node: z.string().exactOptional(),
  /** `policy`: it had routes, and only the cluster's network policies held it; left out: it had no network */
  network: z.literal("policy").exactOptional(),
});
export type RunRecord = z.infer<typeof RunRecord>;

/** A file of the release as the comparator hashed it; all runs have it with these bytes. */
const ProvenFile = z.strictObject({
  path: z.string(),
  sha256: Sha256Hex,
  sizeBytes: z.int().nonnegative(),
  fsverityDigest: Digest,
});
export type ProvenFile = z.infer<typeof ProvenFile>;

export const BootProof = z.strictObject({ result: BootResult, serialLog: Sha256Hex });
export type BootProof = z.infer<typeof BootProof>;

/** What was proven of one arch's artifacts so far. */
export const ArchProof = z.strictObject({
  /** all runs were compared and are the same to the byte: what they made, and each run; null: not yet */
  reproduced: z.strictObject({ files: z.array(ProvenFile).min(1), runs: z.array(RunRecord).min(2) }).nullable(),
  /** boots that passed, by name */
  boots: z.record(z.string(), BootProof),
});
export type ArchProof = z.infer<typeof ArchProof>;

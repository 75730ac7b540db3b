import { canonicalJson, digestOf, sha256Hex, stableJson } from "../../builders/contract/digest.ts";
import type { Condition } from "../../controller/domain/conditions.ts";
import { namedFiles, publishedRecord, type RecordParts } from "../../controller/domain/record.ts";
import { artifactsOf, composeManifest, type RecordManifest } from "../../controller/domain/record-manifest.ts";
import type { RecordStatus } from "../../controller/domain/record-status.ts";
import { releaseStatement } from "../../controller/domain/release-statement.ts";
import { type Statement, STATEMENT_PAYLOAD, STATEMENT_TYPE } from "../../controller/domain/statement.ts";
import { verdict } from "../../controller/domain/verdict.ts";
import { LOCK, TOOLCHAIN } from "./locked-image.ts";
import { ARTIFACTS, BUILD_MANIFEST, RELEASE } from "./release-run.ts";

/** A bundle as a signer makes it, but with a signature that is none: for what reads bundles without verifying them. */
export const unsignedBundle = (statement: Statement): string =>
  stableJson({
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { publicKey: { hint: "none" } },
    dsseEnvelope: {
      payload: Buffer.from(canonicalJson(statement)).toString("base64"),
      payloadType: STATEMENT_PAYLOAD,
      signatures: [{ sig: "bm9uZQ==", keyid: "" }],
    },
  });

const condition = (type: Condition["type"], reason: string, message: string, time: string): Condition => ({
  ...{ type, status: "True", reason, message, lastTransitionTime: time, observedGeneration: 1 },
});

/** The status of the release once it is published. */
export const STATUS: RecordStatus = {
  ...{ release: RELEASE.name, version: RELEASE.version, generation: 1 },
  ...{ specCommit: RELEASE.specCommit, specDigest: RELEASE.specDigest },
  conditions: [
    condition("Ready", "Succeeded", "all is done", "2026-11-23T04:00:00Z"),
    condition("Reproducible", "AllEqual", "2 runs", "2026-11-23T03:30:00Z"),
  ],
  targets: [
    { arch: "amd64", variant: "kernel-initrd" },
    {
      ...{ arch: "amd64", variant: "raw" },
      published: { reference: "registry.example/images:demo-amd64-raw", digest: digestOf("raw") },
    },
  ],
  published: { releaseDigest: digestOf("release") },
};

/** The status of the release had its runs differed. */
export const FAILED_STATUS: RecordStatus = {
  ...{ release: RELEASE.name, version: RELEASE.version, generation: 1 },
  ...{ specCommit: RELEASE.specCommit, specDigest: RELEASE.specDigest },
  conditions: [],
  targets: STATUS.targets.map(({ arch, variant }) => ({ arch, variant })),
  failure: verdict("Reproducible", "NotReproducible", "amd64: runs 1 and 2 differ"),
};

/** What a public key looks like; it is none. */
export const SIGNER = {
  mode: "key" as const,
  publicKey: "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n",
  keySha256: sha256Hex("key"),
};

/** The manifest of the release's record. */
export const MANIFEST: RecordManifest = composeManifest({
  ...{ release: RELEASE, sourceDateEpoch: 1795392000, signer: SIGNER },
  gate: { runs: 2, reproduced: true, booted: true },
  arches: [
    {
      ...{ manifest: BUILD_MANIFEST, lock: LOCK, toolchain: TOOLCHAIN, artifacts: ARTIFACTS },
      inputs: { reference: "registry.example/inputs:inputs-1", digest: digestOf("inputs") },
      targets: [
        { variant: "kernel-initrd", oci: null, layout: null },
        {
          variant: "raw",
          oci: { reference: "registry.example/images:demo-amd64-raw", digest: digestOf("raw") },
          layout: { backing: "partition:0b1c2d3e-0000-4000-8000-000000000001", partitions: [] },
        },
      ],
    },
  ],
});

const about = (subject: string): string =>
  unsignedBundle({
    ...{ _type: STATEMENT_TYPE, predicateType: "https://example.org/any", predicate: {} },
    subject: [{ name: subject, digest: { sha256: sha256Hex(subject) } }],
  });

const VARIANTS = ["kernel-initrd", "raw"] as const;

/** Every signed part of the release's record but the release statement. */
export const RECORD_PARTS: RecordParts = {
  manifest: MANIFEST,
  provenance: VARIANTS.flatMap((variant) =>
    [1, 2].map((run) => ({ arch: "amd64" as const, variant, run, bundle: about(`${variant} ${run}`) })),
  ),
  tests: [{ arch: "amd64", variant: "raw", bundle: about("tests") }],
  sboms: [{ arch: "amd64", spdx: '{"spdx": 1}\n', cyclonedx: '{"cyclonedx": 1}\n', bundle: about("sbom") }],
  diffs: [],
};

/** The whole record as the repository holds it. */
export function demoRecord(parts: RecordParts = RECORD_PARTS): Map<string, Uint8Array> {
  const named = namedFiles(parts);
  const statement = unsignedBundle(releaseStatement(RELEASE, artifactsOf(parts.manifest), named));
  const files = publishedRecord(named, statement, STATUS);
  return new Map([...files].map(([path, text]) => [path, new TextEncoder().encode(text)]));
}

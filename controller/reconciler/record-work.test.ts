import { expect, it } from "vitest";
import { demoDigest } from "../../test/fakes/artifact-store.ts";
import { LOCK, TOOLCHAIN } from "../../test/fakes/locked-image.ts";
import { fakeRecordRepository } from "../../test/fakes/record-repository.ts";
import { SIGNER, unsignedBundle } from "../../test/fakes/release-record.ts";
import { ARTIFACTS, BUILD_MANIFEST, RELEASE } from "../../test/fakes/release-run.ts";
import { fakeSigning } from "../../test/fakes/signer.ts";
import { unverifiedStatement } from "../domain/bundle-statement.ts";
import type { RecordedArch } from "../domain/compose-record.ts";
import { encodeBundle } from "../domain/publication.ts";
import { type Statement, STATEMENT_TYPE } from "../domain/statement.ts";
import type { BundleVerifier } from "../ports/bundle-verifier.ts";
import type { RecordRepository } from "../ports/record-repository.ts";
import type { Signer } from "../ports/signer.ts";
import { observeRecord } from "./observe-record.ts";
import { writeRecord } from "./record-work.ts";

const signal = new AbortController().signal;
const any: Statement = {
  ...{ _type: STATEMENT_TYPE, predicateType: "https://example.org/any", predicate: {} },
  subject: [{ name: "any", digest: { sha256: "0".repeat(64) } }],
};
const publication = (name: string) => ({ reference: `registry.example/images:${name}`, digest: demoDigest(name) });
const arch: RecordedArch = {
  ...{ manifest: BUILD_MANIFEST, lock: LOCK, toolchain: TOOLCHAIN, inputs: publication("inputs"), files: ARTIFACTS },
  ...{ runs: 2, booted: true, spdx: "{}\n", cyclonedx: "{}\n" },
  targets: BUILD_MANIFEST.variants.map((variant) => ({
    ...{ variant, oci: publication(variant), layout: null },
    documents: new Map(
      (["provenance-run-1", "provenance-run-2", "sbom"] as const).map((name) => [
        name,
        encodeBundle(unsignedBundle(any)),
      ]),
    ),
  })),
};
const published = { release: RELEASE, conditions: [], sourceDateEpoch: 0, arches: [arch] };

/** Bundles that a record may hold, signed by nobody. */
const signer: Signer = {
  ...fakeSigning().signer,
  identity: SIGNER,
  signStatement: async (said) => unsignedBundle(said),
};
const verifier: BundleVerifier = {
  ...fakeSigning().verifier,
  verifyStatement: async (bundle) => ({ signer: "nobody", statement: unverifiedStatement("bundle", bundle) }),
};

it("tells what was written by its content, as a look at it would find, as long as nothing came since", async () => {
  const records = fakeRecordRepository();
  const written = await writeRecord({ records, signer, verifier }, published, signal);
  const tip = await records.tip();
  const { name, version, specDigest } = RELEASE;
  const observed = { kind: "recorded", version, specDigest, commit: tip.commit };
  expect(written).toEqual({ id: await tip.idOf(`records/${name}`), observed });
  expect(await observeRecord(records, name, () => verifier)).toEqual(observed);
  const fresh = fakeRecordRepository();
  const overtaken: RecordRepository = {
    ...fresh,
    commit: async (entry) => ({ ...(await fresh.commit(entry)), commit: "0".repeat(40) }),
  };
  expect(await writeRecord({ records: overtaken, signer, verifier }, published, signal)).toBeNull();
});

it("writes nothing that its own verifier refuses, or that says something else than was to be signed", async () => {
  const records = fakeRecordRepository();
  const refused = { code: "SignatureInvalid" };
  const own = fakeSigning();
  const other = fakeSigning("another").signer;
  await expect(
    writeRecord({ records, signer: other, verifier: own.verifier }, published, signal),
  ).rejects.toMatchObject(refused);
  const lies: Signer = {
    ...signer,
    signStatement: (statement, stop) => signer.signStatement({ ...statement, predicate: {} }, stop),
  };
  await expect(writeRecord({ records, signer: lies, verifier }, published, signal)).rejects.toMatchObject(refused);
  expect(records.log()).toEqual([]);
});

it("is not read again where it is what was written, and is wherever it is not", async () => {
  const records = fakeRecordRepository();
  const { name, specDigest, version } = RELEASE;
  const propose = async () => [{ path: `records/${name}/status.yaml`, content: "no status" }];
  await records.commit({ ...{ release: name, specDigest, idempotencyKey: "0".repeat(64), summary: "x" }, propose });
  const id = (await (await records.tip()).idOf(`records/${name}`)) ?? "";
  const observed = { kind: "recorded", specDigest, version, commit: "c" } as const;
  const look = (written: Parameters<typeof observeRecord>[3]) => observeRecord(records, name, () => verifier, written);
  expect(await look({ id, observed })).toBe(observed);
  expect(await look({ id: "other", observed })).toMatchObject({ kind: "invalid" });
  expect(await look(null)).toMatchObject({ kind: "invalid" });
});

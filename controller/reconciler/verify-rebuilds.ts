import type { ProvenRun } from "../domain/check-quorum.ts";
import { isWaived, judgeRebuild, leftOutText, rebuildsIn, rebuildsPath } from "../domain/check-rebuilds.ts";
import { ReleaseError } from "../domain/errors.ts";
import type { Policy } from "../domain/policy.ts";
import type { Provenance } from "../domain/provenance.ts";
import type { PublishedRecord } from "../domain/read-record.ts";
import { recordInvalid } from "../domain/record-invalid.ts";
import { textOf } from "../domain/spec-files.ts";
import { type TargetRef, targetName } from "../domain/target.ts";
import type { BundleVerifier } from "../ports/bundle-verifier.ts";
import type { SpecTree } from "../ports/spec-repository.ts";

/** A run of the release's own, whose provenance was checked. */
type OwnRun = TargetRef & { readonly said: Provenance };

/** A statement and its signer; null if nobody signed it whom the policy names. */
async function verified(verifier: BundleVerifier, file: string, content: Uint8Array) {
  try {
    return await verifier.verifyStatement(textOf(file, content));
  } catch (error) {
    if (error instanceof ReleaseError && ["SignatureInvalid", "SpecInvalid"].includes(error.code)) return null;
    throw error;
  }
}

/**
 * Looks at what others made of a release (trust.md 2.3, step 7). Anybody who may write the repository may leave something
 * there: what the policy's signers did not say, or not about this very build, does not count. What they did say of other
 * bytes does.
 * @returns the runs that count, and what to say
 * @throws ReleaseError RecordInvalid for other bytes that the policy does not waive
 */
export async function verifyRebuilds(
  given: { readonly policy: Policy; readonly verifier: BundleVerifier; readonly records: SpecTree },
  record: PublishedRecord,
  own: readonly OwnRun[],
): Promise<{ readonly runs: readonly ProvenRun[]; readonly why: string }> {
  const { policy, verifier, records } = given;
  const { name } = record.manifest.release;
  const runs: ProvenRun[] = [];
  const leftOut: string[] = [];
  const known = new Set(own.map(({ said }) => said.runDetails.metadata.invocationId));
  for (const rebuild of rebuildsIn(await records.readDirectory(rebuildsPath(name)))) {
    const found = await verified(verifier, rebuild.file, rebuild.content);
    const signer = policy.signers.find(({ id }) => id === found?.signer);
    if (found === null || signer === undefined) {
      leftOut.push(`${rebuild.file} is signed by nobody whom the policy names`);
      continue;
    }
    const first = own.find((run) => targetName(run) === targetName(rebuild));
    const inputs = first?.said.buildDefinition.resolvedDependencies ?? null;
    const verdict = judgeRebuild(record, rebuild, found.statement, signer, inputs);
    if (verdict.kind === "mismatch") {
      const { operator, why } = verdict;
      if (!isWaived(policy, name, operator)) {
        throw recordInvalid(`${rebuildsPath(name)}/${rebuild.file}`, "subject", `${operator} made other bytes: ${why}`);
      }
      leftOut.push(`${rebuild.file} has other bytes, which the policy waives`);
    } else if (verdict.kind === "left-out") leftOut.push(`${rebuild.file} ${verdict.why}`);
    else {
      const identity = `${verdict.run.target} ${verdict.run.invocation}`;
      if (known.has(verdict.run.invocation) || known.has(identity)) leftOut.push(`${rebuild.file} names a known run`);
      else runs.push(verdict.run);
      known.add(identity);
    }
  }
  const operators = new Set(runs.map(({ operator }) => operator)).size;
  const same = runs.length === 0 ? "none counts" : `${runs.length} runs by ${operators} operators have the same bytes`;
  return { runs, why: `${same}${leftOutText(leftOut)}` };
}

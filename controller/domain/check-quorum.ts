import type { Policy } from "./policy.ts";
import { recordInvalid } from "./record-invalid.ts";

/** A run whose provenance is signed and true of the release's files. */
export type ProvenRun = {
  /** `<arch>/<variant>` */
  readonly target: string;
  /** runDetails.metadata.invocationId */
  readonly invocation: string;
  /** of its signer, as the policy says */
  readonly operator: string;
};

/**
 * Checks that every target has enough runs: different invocations, by enough operators (trust.md 2.3, step 7).
 * @throws ReleaseError RecordInvalid naming the target
 */
export function checkQuorum(
  targets: readonly string[],
  runs: readonly ProvenRun[],
  { minBuilds, minOperators }: Pick<Policy["requirements"], "minBuilds" | "minOperators">,
): void {
  for (const target of targets) {
    const own = runs.filter((run) => run.target === target);
    const wrong = (why: string) => recordInvalid("provenance", target, why);
    const builds = new Set(own.map(({ invocation }) => invocation)).size;
    const operators = new Set(own.map(({ operator }) => operator)).size;
    if (builds < own.length) throw wrong("names one run twice");
    if (builds < minBuilds) throw wrong(`has ${builds} runs, the policy asks for ${minBuilds}`);
    if (operators < minOperators) throw wrong(`has ${operators} operators, the policy asks for ${minOperators}`);
  }
}

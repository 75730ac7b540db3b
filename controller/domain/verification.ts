import type { Policy } from "./policy.ts";

/** How one check of a release ended. `required`: a skipped one leaves the verification incomplete. */
export type CheckResult = {
  readonly name: string;
  readonly result: "PASS" | "FAIL" | "SKIP";
  /** what was found, or why it could not be looked at */
  readonly why: string;
  readonly required: boolean;
};

/** What all checks come to. */
export type VerificationVerdict = "verified" | "failed" | "incomplete" | "self-asserted";

/**
 * The verdict: any failure fails; what a policy out of the audited repository itself says is self-asserted; a required
 * check that was left out makes it incomplete (trust.md 2.3).
 */
export function verificationVerdict(checks: readonly CheckResult[], selfAsserted: boolean): VerificationVerdict {
  if (checks.length === 0 || checks.some(({ result }) => result === "FAIL")) return "failed";
  if (selfAsserted) return "self-asserted";
  return checks.some(({ result, required }) => result === "SKIP" && required) ? "incomplete" : "verified";
}

/** Where a policy came from. */
export type PolicyOrigin = { readonly file: string; readonly sha256: string; readonly selfAsserted: boolean };

/**
 * What is to be said of the policy itself: whether it came from outside, and what it asks for that nothing here can show,
 * since bundles that a key signed carry no entry of a log and no time stamp (trust.md 2.3, step 0).
 */
export function policyChecks({ requirements }: Policy, { file, sha256, selfAsserted }: PolicyOrigin): CheckResult[] {
  const origin = selfAsserted ? "the repository's own, which proves nothing" : "given from outside";
  const missing = [
    ...(requirements.tlog === "required" ? ["an entry in a transparency log"] : []),
    ...(requirements.timestamp === "required" ? ["a signed time stamp"] : []),
  ];
  const why = `${missing.join(" and ")} cannot be checked with keys`;
  return [
    {
      name: "policy",
      result: selfAsserted ? "SKIP" : "PASS",
      why: `${file} sha256:${sha256}, ${origin}`,
      required: true,
    },
    ...(missing.length === 0 ? [] : [{ name: "witnesses", result: "SKIP", why, required: true } as const]),
  ];
}

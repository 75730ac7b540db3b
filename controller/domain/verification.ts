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

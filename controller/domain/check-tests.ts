import { z } from "zod";
import { bootPlan } from "./boot-plan.ts";
import { filesOfVariant, subjectFault } from "./check-provenance.ts";
import type { PublishedRecord } from "./read-record.ts";
import { recordFilePath } from "./record-files.ts";
import { recordInvalid, recordIssue } from "./record-invalid.ts";
import { PREDICATE, type Statement } from "./statement.ts";
import type { TargetRef } from "./target.ts";
import { bootTest } from "./test-statement.ts";

const TestResult = z.object({
  result: z.enum(["PASSED", "WARNED", "FAILED"]),
  passedTests: z.array(z.string()),
  failedTests: z.array(z.string()),
});

/**
 * Checks what a target's boots came to, its signature known to be good: it is about the target's files, and every boot
 * that the target needs has passed (trust.md 2.3, step 10).
 * @throws ReleaseError RecordInvalid
 */
export function checkTests(record: PublishedRecord, target: TargetRef, statement: Statement): void {
  const { arch, variant } = target;
  const file = recordFilePath({ kind: "tests", arch, variant });
  const wrong = (field: string, why: string) => recordInvalid(file, field, why);
  if (statement.predicateType !== PREDICATE.testResult) throw wrong("predicateType", "is no test result");
  const own = [...filesOfVariant(record, arch, variant)].filter(([path]) => path.startsWith(`${arch}/${variant}/`));
  const fault = subjectFault(statement, new Map(own));
  if (fault !== null) throw wrong("subject", fault);
  const parsed = TestResult.safeParse(statement.predicate);
  if (!parsed.success) throw recordIssue(file, parsed.error);
  const { result, passedTests, failedTests } = parsed.data;
  if (result !== "PASSED" || failedTests.length > 0) throw wrong("result", `is ${result}`);
  const missing = bootPlan([variant], arch)
    .map(bootTest)
    .find((name) => !passedTests.includes(name));
  if (missing !== undefined) throw wrong("passedTests", `${missing} is missing`);
}

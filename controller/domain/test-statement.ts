import type { BootResult } from "../../builders/contract/boot.ts";
import { canonicalJson, type Sha256Hex, sha256Hex } from "../../builders/contract/digest.ts";
import type { Arch, Variant } from "../../builders/contract/variant.ts";
import { bootName, type PlannedBoot } from "./boot-plan.ts";
import type { ComparedArtifact } from "./comparison.ts";
import { PREDICATE, type Statement, STATEMENT_TYPE } from "./statement.ts";
import { artifactSubject, byName } from "./subjects.ts";

/** A boot that was run: how, what came of it, and the files that show it. */
export type BootFacts = {
  readonly planned: PlannedBoot;
  readonly result: BootResult;
  /** evidence by name, such as `serial.log`, each with its SHA-256 */
  readonly evidence: Readonly<Record<string, Sha256Hex>>;
};

/** The name of a boot among the tests of a statement: `boot/raw-uefi`. */
export const bootTest = (planned: PlannedBoot): string => `boot/${bootName(planned)}`;

/** The value of an option on QEMU's command line; null without it. */
function optionOf(commandLine: readonly string[], option: string): string | null {
  const at = commandLine.indexOf(option);
  return at < 0 ? null : (commandLine[at + 1] ?? null);
}

/** What a boot ran in. The digest is that of emulator and command line as canonical JSON, which stand beside it. */
function configuration({ planned, result }: BootFacts) {
  const { emulator, commandLine } = result;
  return {
    name: bootName(planned),
    digest: { sha256: sha256Hex(canonicalJson({ emulator, commandLine })) },
    annotations: {
      emulator,
      machine: optionOf(commandLine, "-machine"),
      firmware: planned.firmware,
      bus: planned.bus,
      commandLine,
    },
  };
}

/**
 * What the boots of one variant proved (in-toto test-result v0.1, with `evidence` added). It passed only if every boot
 * did.
 * @throws RangeError without any boot, or without a file of the variant: nothing was tested then
 */
export function bootStatement(
  arch: Arch,
  variant: Variant,
  boots: readonly BootFacts[],
  artifacts: readonly ComparedArtifact[],
): Statement {
  const files = artifacts.filter(({ path }) => path.startsWith(`${arch}/${variant}/`));
  if (boots.length === 0 || boots.some(({ planned }) => planned.variant !== variant) || files.length === 0) {
    throw new RangeError(`there is no boot of ${arch}/${variant}`);
  }
  const names = (passed: boolean) =>
    boots
      .filter(({ result }) => result.passed === passed)
      .map(({ planned }) => bootTest(planned))
      .toSorted();
  const failed = names(false);
  return {
    _type: STATEMENT_TYPE,
    subject: files.map(artifactSubject).toSorted(byName),
    predicateType: PREDICATE.testResult,
    predicate: {
      result: failed.length === 0 ? "PASSED" : "FAILED",
      configuration: boots.map(configuration).toSorted(byName),
      passedTests: names(true),
      failedTests: failed,
      evidence: boots
        .flatMap(({ planned, evidence }) =>
          Object.entries(evidence).map(([file, sha256]) => ({
            name: `${bootName(planned)}/${file}`,
            digest: { sha256 },
          })),
        )
        .toSorted(byName),
    },
  };
}

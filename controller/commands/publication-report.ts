import { sha256Hex } from "../../builders/contract/digest.ts";
import { targetName } from "../domain/target.ts";
import type { TargetWork } from "../reconciler/target-work.ts";

/** One line per target: what users pull, by tag and by digest. */
export function publicationLines(targets: readonly TargetWork[], repository: string): string[] {
  return targets.flatMap((target) => {
    const published = target.publication();
    if (published === null) return [];
    const reference = `${repository}:${published.tag}@${published.descriptor.digest}`;
    return [`published  ${targetName(target.ref).padEnd(20)} ${reference}`];
  });
}

/** Who signed, and which policy knows that. `path` as people type it. */
export const policyLines = (policy: {
  readonly path: string;
  readonly text: string;
  readonly keySha256: string;
}): string[] => [`signer     key ${policy.keySha256}`, `policy     ${policy.path} sha256:${sha256Hex(policy.text)}`];

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

/** Who signed, which policy knows that, and the command that proves the release against it. */
export function policyLines(policy: {
  readonly release: string;
  /** paths as people type them */
  readonly path: string;
  readonly repository: string;
  readonly registry: string;
  readonly text: string;
  readonly keySha256: string;
}): string[] {
  const { release, path, repository, registry, text, keySha256 } = policy;
  return [
    `signer     key ${keySha256}`,
    `policy     ${path} sha256:${sha256Hex(text)}`,
    `verify     npm run imgrel -- verify ${release} --repo ${repository} --registry ${registry} --policy ${path}`,
  ];
}

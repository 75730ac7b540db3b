import { sha256Hex } from "../../builders/contract/digest.ts";
import { shellWord } from "../domain/shell-word.ts";
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

/** What `imgrel verify` needs to prove a release, each place as people type it. */
export type Proof = {
  readonly release: string;
  /** a folder, or the URL of a repository of others */
  readonly repository: string;
  /** a folder, or `<host>[:<port>]/<path>` */
  readonly registry: string;
  readonly registryCa?: string;
  readonly network: { readonly allowPrivate: boolean; readonly allowHTTP: boolean };
  readonly policy: string;
};

/** The whole command that proves a release, for a shell. A repository elsewhere is cloned first: a folder is judged. */
export function proofCommand({ release, repository, registry, registryCa, network, policy }: Proof): string {
  const isUrl = /^(?:https?|ssh):/i.test(repository);
  const clone = `${release}.git`;
  const isFolder = /^[./]/.test(registry);
  const words = [
    ...["npm", "run", "imgrel", "--", "verify", release],
    ...["--repo", isUrl ? clone : repository.replace(/^file:\/\//, ""), "--registry", registry],
    ...(isFolder || registryCa === undefined ? [] : ["--registry-ca", registryCa]),
    ...(!isFolder && network.allowHTTP ? ["--allow-http"] : []),
    ...(!isFolder && network.allowPrivate ? ["--allow-private"] : []),
    ...["--policy", policy],
  ];
  const command = words.map(shellWord).join(" ");
  return isUrl ? `git clone --bare ${shellWord(repository)} ${shellWord(clone)} && ${command}` : command;
}

/** Who signed, which policy knows that, and how anybody proves it. */
export const policyLines = (policy: {
  readonly text: string;
  readonly keySha256: string;
  readonly proof: Proof;
}): string[] => [
  `signer     key ${policy.keySha256}`,
  `policy     ${policy.proof.policy} sha256:${sha256Hex(policy.text)}`,
  `verify     ${proofCommand(policy.proof)}`,
];

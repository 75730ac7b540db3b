import { stringify } from "yaml";
import type { Sha256Hex } from "../../builders/contract/digest.ts";
import { checkYaml } from "./documents.ts";
import { ReleaseError } from "./errors.ts";
import { type JsonSchema, jsonSchemaOf } from "./json-schema.ts";
import { Policy } from "./policy.ts";
import { formatProblem, type Problem } from "./problem.ts";
import { LOCAL_BUILDER } from "./provenance.ts";
import { API_VERSION } from "./release.ts";
import { readYaml } from "./yaml-document.ts";

/** Where a repository keeps the policy that it asserts itself. */
export const OWN_POLICY = "policy/verify.yaml";

let jsonSchema: JsonSchema | undefined;

export type PolicyResult =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads and checks a policy; problems come in the order of the file. Never throws. */
export function readPolicy(text: string, file: string): PolicyResult {
  const read = readYaml(text, file);
  if (!read.ok) return read;
  const checked = checkYaml(read.document, file, {
    schema: Policy,
    jsonSchema: () => (jsonSchema ??= jsonSchemaOf(Policy)),
    refused: { kind: "remove it: a policy has none" },
  });
  return checked.ok ? { ok: true, policy: checked.value } : checked;
}

/**
 * The policy that a file must hold.
 * @throws ReleaseError SpecInvalid with one line per problem
 */
export function requirePolicy(text: string, file: string): Policy {
  const read = readPolicy(text, file);
  if (read.ok) return read.policy;
  throw new ReleaseError("SpecInvalid", read.problems.map(formatProblem).join("\n"), `correct ${file}`);
}

/** A signer of a policy who signs with a key, as ports/bundle-verifier.ts takes it. */
export type KeySigner = {
  readonly id: string;
  readonly mode: "key";
  readonly keySha256: Sha256Hex;
  readonly publicKey: string;
  readonly validFrom?: Date;
  readonly validUntil?: Date;
};

/**
 * The signers of a policy that sign with a key.
 * @param keys public keys in PEM by fingerprint, for signers whose key the policy does not hold
 * @throws ReleaseError NotFound if a signer's key is in neither
 */
export function keySigners(policy: Policy, keys: ReadonlyMap<Sha256Hex, string>): KeySigner[] {
  return policy.signers.flatMap((signer) => {
    if (signer.mode !== "key") return [];
    const { id, mode, keySha256, validFrom, validUntil } = signer;
    const publicKey = signer.publicKey ?? keys.get(keySha256);
    if (publicKey === undefined) {
      throw new ReleaseError(
        "NotFound",
        `there is no public key for the signer ${id}, fingerprint ${keySha256}`,
        "write it as publicKey into the policy, or give it beside the policy",
      );
    }
    return [
      {
        ...{ id, mode, keySha256, publicKey },
        ...(validFrom === undefined ? {} : { validFrom: new Date(validFrom) }),
        ...(validUntil === undefined ? {} : { validUntil: new Date(validUntil) }),
      },
    ];
  });
}

/** What the local process's own policy is made from. */
export type LocalPolicyFacts = {
  readonly keySha256: Sha256Hex;
  /** in PEM */
  readonly publicKey: string;
  /** how many runs the class asks for at least */
  readonly minBuilds: number;
  /** whether the class lets nothing out that did not boot */
  readonly bootRequired: boolean;
};

const HEAD = `# Whom imgrel verify believes: the key that this local process signs with, and no one else.
# A copy inside the repository that it judges proves nothing: keep one outside. Its SHA-256 tells whether it is the same.
`;

/** The policy of the local process: its own key, one operator, SLSA build level 1 at most. Same facts, same bytes. */
export const localPolicy = ({ keySha256, publicKey, minBuilds, bootRequired }: LocalPolicyFacts): string => {
  const policy: Policy = {
    apiVersion: API_VERSION,
    signers: [
      {
        ...{ id: "local", mode: "key", keySha256, publicKey, builderIds: [LOCAL_BUILDER] },
        ...{ operator: "local", maxBuildLevel: 1 },
      },
    ],
    requirements: {
      ...{ minBuilds, minOperators: 1, tlog: "optional", timestamp: "required-for-keyless" },
      ...{ tests: bootRequired ? ["boot"] : [], sbom: true },
    },
  };
  return `${HEAD}${stringify(policy, { aliasDuplicateObjects: false, lineWidth: 0 })}`;
};

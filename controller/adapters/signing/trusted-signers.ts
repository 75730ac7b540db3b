import type { KeyObject } from "node:crypto";
import { ReleaseError } from "../../domain/errors.ts";
import type { TrustedSigner } from "../../ports/bundle-verifier.ts";
import { hintOf, parsePublicKey } from "./public-key.ts";

export type TrustedKey = { readonly signer: TrustedSigner; readonly key: KeyObject };

const policyFault = (message: string): ReleaseError =>
  new ReleaseError("KeyUnusable", message, "correct the policy's list of signers, or the public keys given with it");

/**
 * The keys of a policy's signers, by the name that bundles give them.
 * @throws ReleaseError KeyUnusable if a public key is not the one that the policy names by its fingerprint, or if two
 *   signers share an ID or a key
 */
export function trustedKeys(signers: readonly TrustedSigner[]): ReadonlyMap<string, TrustedKey> {
  const keys = new Map<string, TrustedKey>();
  for (const signer of signers) {
    const { key, sha256 } = parsePublicKey(signer.publicKey, `the public key given for ${signer.id}`);
    if (sha256 !== signer.keySha256) {
      throw policyFault(`the public key given for ${signer.id} has fingerprint ${sha256}, not ${signer.keySha256}`);
    }
    const hint = hintOf(sha256);
    const twin = keys.get(hint)?.signer.id ?? [...keys.values()].find((one) => one.signer.id === signer.id)?.signer.id;
    if (twin !== undefined) throw policyFault(`the signers ${twin} and ${signer.id} share an ID or a key`);
    keys.set(hint, { signer, key });
  }
  return keys;
}

/** Why a key does not count at a moment; undefined if it does. */
export function outOfDate({ id, validFrom, validUntil }: TrustedSigner, moment: Date): string | undefined {
  if (validFrom !== undefined && moment < validFrom) return `the key of ${id} is valid from ${validFrom.toISOString()}`;
  if (validUntil !== undefined && moment > validUntil) {
    return `the key of ${id} was valid until ${validUntil.toISOString()}`;
  }
  return undefined;
}

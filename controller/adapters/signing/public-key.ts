import { createPublicKey, type KeyObject } from "node:crypto";
import { type Sha256Hex, sha256Hex } from "../../../builders/contract/digest.ts";
import { ReleaseError } from "../../domain/errors.ts";

/** Public half of a signing key. */
export type PublicKey = {
  readonly key: KeyObject;
  /** SubjectPublicKeyInfo in PEM (RFC 7468) */
  readonly pem: string;
  /** SHA-256 of its DER form */
  readonly sha256: Sha256Hex;
};

/** A key as bundles name it: `PublicKeyIdentifier.hint` as cosign writes it, the fingerprint in base64. */
export const hintOf = (sha256: Sha256Hex): string => Buffer.from(sha256, "hex").toString("base64");

/**
 * The public half of a key, whose kind is checked: ECDSA on P-256, which every Sigstore client takes.
 * @param where the key is, for messages
 * @throws ReleaseError KeyUnusable
 */
export function publicKeyOf(key: KeyObject, where: string): PublicKey {
  const kind = [key.asymmetricKeyType, key.asymmetricKeyDetails?.namedCurve].filter(Boolean).join(" ");
  if (kind !== "ec prime256v1") {
    throw new ReleaseError(
      "KeyUnusable",
      `${where} holds a key of kind ${kind}`,
      "use an ECDSA key on the curve P-256; without a key file imgrel makes one",
    );
  }
  const half = key.type === "public" ? key : createPublicKey(key);
  return {
    key: half,
    pem: half.export({ type: "spki", format: "pem" }).toString(),
    sha256: sha256Hex(half.export({ type: "spki", format: "der" })),
  };
}

/**
 * A public key in PEM.
 * @param where it came from, for messages
 * @throws ReleaseError KeyUnusable if it is none, or not of the kind that {@link publicKeyOf} takes
 */
export function parsePublicKey(pem: string, where: string): PublicKey {
  const fault = (cause?: unknown) =>
    new ReleaseError(
      "KeyUnusable",
      `${where} holds no public key in PEM`,
      'give the file that begins with "-----BEGIN PUBLIC KEY-----"',
      { cause },
    );
  // createPublicKey also takes a private key or a certificate and derives the public half of it
  if (!pem.trimStart().startsWith("-----BEGIN PUBLIC KEY-----")) throw fault();
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (error) {
    throw fault(error);
  }
  return publicKeyOf(key, where);
}

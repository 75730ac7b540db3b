import type { Sha256Hex } from "../../builders/contract/digest.ts";
import type { Statement } from "../domain/statement.ts";

/** Who signs, as records and policies name it. */
export type SignerIdentity = {
  readonly mode: "key";
  /** SubjectPublicKeyInfo in PEM (RFC 7468) */
  readonly publicKey: string;
  /** SHA-256 of the DER form of that structure: the key's fingerprint */
  readonly keySha256: Sha256Hex;
};

/** Signs; every result is a Sigstore bundle v0.3 as JSON text (protobuf-specs, sigstore_bundle.proto). */
export type Signer = {
  readonly identity: SignerIdentity;
  /**
   * A message signature over a file, which is streamed.
   * @throws ReleaseError InputDigestMismatch if the file does not have this SHA-256
   */
  readonly signFile: (path: string, sha256: Sha256Hex, signal: AbortSignal) => Promise<string>;
  /** A DSSE envelope around a statement. */
  readonly signStatement: (statement: Statement, signal: AbortSignal) => Promise<string>;
};

import type { Statement } from "../domain/statement.ts";
import type { SignerIdentity } from "./signer.ts";

/** A signer that a policy trusts. The policy fixes how it signs; its public key comes from the caller. */
export type TrustedSigner = SignerIdentity & {
  /** its name in the policy */
  readonly id: string;
  /** the key counts from here; left out: since ever */
  readonly validFrom?: Date;
  /** the key counts until here; left out: for ever */
  readonly validUntil?: Date;
};

/** Checks Sigstore bundles against the signers that a policy names; it never asks the network. */
export type BundleVerifier = {
  /**
   * A statement out of its DSSE envelope, and who of the given signers signed it. Whether its subjects are the right
   * files is the caller's to compare.
   * @throws ReleaseError SignatureInvalid if no signer did, or the payload is no statement
   */
  readonly verifyStatement: (bundle: string) => Promise<{ readonly signer: string; readonly statement: Statement }>;
  /**
   * A message signature over a file, which is streamed.
   * @returns the signer's ID in the policy
   * @throws ReleaseError SignatureInvalid
   */
  readonly verifyFile: (bundle: string, path: string, signal: AbortSignal) => Promise<string>;
  /** The same over bytes as they come, all of which are taken. */
  readonly verifyBytes: (bundle: string, bytes: AsyncIterable<Uint8Array>) => Promise<string>;
};

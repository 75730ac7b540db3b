import { bundleToJSON, toDSSEBundle, toMessageSignatureBundle } from "@sigstore/bundle";
import { dsse } from "@sigstore/core";
import { createHash, createSign, sign } from "node:crypto";
import { canonicalJson } from "../../../builders/contract/digest.ts";
import { feedFile } from "../../../builders/host/files.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { STATEMENT_PAYLOAD } from "../../domain/statement.ts";
import type { Signer } from "../../ports/signer.ts";
import { type KeyFileOptions, type KeyPair, openKeyPair, readKeyPair } from "./key-file.ts";
import { hintOf } from "./public-key.ts";

const bundleText = (bundle: Parameters<typeof bundleToJSON>[0]): string => `${canonicalJson(bundleToJSON(bundle))}\n`;

/**
 * Signs with the key of a folder, made on first use. ECDSA signatures hold a random number, so that two bundles over the
 * same content differ.
 * @throws ReleaseError KeyUnusable as {@link openKeyPair}
 */
export const openKeySigner = async (options: KeyFileOptions): Promise<Signer> => signerOf(await openKeyPair(options));

/**
 * Signs with a key that is kept elsewhere, such as in a Secret. `where` is how messages name it.
 * @throws ReleaseError KeyUnusable as {@link readKeyPair}
 */
export const keySigner = (pem: string, where: string): Signer => signerOf(readKeyPair(pem, where));

function signerOf({ privateKey, publicKey }: KeyPair): Signer {
  const { pem, sha256: keySha256 } = publicKey;
  const keyHint = hintOf(keySha256);
  return {
    identity: { mode: "key", publicKey: pem, keySha256 },
    signFile: async (path, sha256, signal) => {
      const hash = createHash("sha256");
      const signer = createSign("sha256");
      await feedFile(path, [hash, signer], signal);
      const digest = hash.digest();
      if (digest.toString("hex") !== sha256) {
        throw new ReleaseError(
          "InputDigestMismatch",
          `${path} has SHA-256 ${digest.toString("hex")}, not ${sha256}: it is not signed`,
          "find out what changed the file since it was compared, and build it again",
        );
      }
      return bundleText(toMessageSignatureBundle({ digest, signature: signer.sign(privateKey), keyHint }));
    },
    signStatement: async (statement) => {
      const artifact = Buffer.from(canonicalJson(statement));
      const signature = sign("sha256", dsse.preAuthEncoding(STATEMENT_PAYLOAD, artifact), privateKey);
      const bundle = toDSSEBundle({ artifact, artifactType: STATEMENT_PAYLOAD, signature, keyHint });
      // the hint stands in the verification material alone: with a keyid, cosign counts no signature as accepted
      for (const one of bundle.content.dsseEnvelope.signatures) one.keyid = "";
      return bundleText(bundle);
    },
  };
}

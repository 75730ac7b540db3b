import { type SignedEntity, toSignedEntity, type TrustMaterial, Verifier } from "@sigstore/verify";
import { createHash, createVerify, type Verify } from "node:crypto";
import { feedFile } from "../../../builders/host/files.ts";
import { Statement, STATEMENT_PAYLOAD } from "../../domain/statement.ts";
import { parseStrictJson } from "../../domain/strict-json.ts";
import type { BundleVerifier, TrustedSigner } from "../../ports/bundle-verifier.ts";
import { parseKeyBundle } from "./parse-bundle.ts";
import { firstIssue, messageOf, signatureInvalid } from "./signature-invalid.ts";
import { outOfDate, trustedKeys } from "./trusted-signers.ts";

/** Only keys are trusted: no authority of certificates, time stamps or logs. */
const NO_AUTHORITIES = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
const NO_WITNESSES = { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0 };

type SignatureContent = SignedEntity["signature"];
type Sink = { readonly update: (chunk: Uint8Array) => unknown };

/** A file's signature whose bytes `verify` has seen: @sigstore/verify's own wants the whole file in memory. */
const streamedContent = (content: SignatureContent, verify: Verify): SignatureContent => ({
  signature: content.signature,
  compareSignature: (signature) => content.compareSignature(signature),
  compareDigest: (digest) => content.compareDigest(digest),
  compareSignedDigest: (digest) => content.compareSignedDigest(digest),
  verifySignature: (key) => verify.verify(key, content.signature),
});

function parseStatement(payload: Uint8Array): Statement {
  let value: unknown;
  try {
    value = parseStrictJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload));
  } catch (error) {
    throw signatureInvalid(`the signed payload is no JSON: ${messageOf(error)}`, { cause: error });
  }
  const statement = Statement.safeParse(value);
  if (statement.success) return statement.data;
  throw signatureInvalid(`the signed payload is no in-toto statement: ${firstIssue(statement.error)}`);
}

/**
 * Checks bundles v0.3 against the keys of these signers. Who signed is who of them has the key that the signature fits;
 * that it was signed by a key, and over a statement or a file, is not the bundle's to choose.
 *
 * No authority vouches for when a bundle was signed, so a key counts for as long as `now` is within its validity.
 * @throws ReleaseError KeyUnusable as {@link trustedKeys}
 */
export function createBundleVerifier(options: {
  readonly signers: readonly TrustedSigner[];
  readonly now: () => Date;
}): BundleVerifier {
  const keys = trustedKeys(options.signers);

  const findKey = (hint: string) => {
    const found = keys.get(hint);
    if (found !== undefined) return found;
    const fingerprint = Buffer.from(hint, "base64").toString("hex");
    throw signatureInvalid(`the bundle was signed with the key ${fingerprint}, which the policy does not name`);
  };
  const material: TrustMaterial = {
    ...NO_AUTHORITIES,
    publicKey: (hint) => {
      const { key, signer } = findKey(hint);
      return { publicKey: key, validFor: (moment) => outOfDate(signer, moment) === undefined };
    },
  };
  const verifier = new Verifier(material, NO_WITNESSES);

  /** The signer that a bundle names, whose key counts now. */
  const signerOf = (hint: string): TrustedSigner => {
    const { signer } = findKey(hint);
    const why = outOfDate(signer, options.now());
    if (why === undefined) return signer;
    throw signatureInvalid(`${why}, and nothing shows when the bundle was signed`, {
      remedy: "change the validity in the policy, if you trust all who held the key since",
    });
  };
  const check = (entity: SignedEntity, signer: TrustedSigner, about: string): void => {
    try {
      verifier.verify(entity);
    } catch (error) {
      throw signatureInvalid(`the signature does not fit ${about} and the key of ${signer.id}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  };

  /** A message signature over what `feed` gives to each sink. */
  const verifyMessage = async (text: string, about: string, feed: (sinks: readonly Sink[]) => Promise<void>) => {
    const { bundle, hint } = parseKeyBundle(text, "messageSignature");
    const signer = signerOf(hint);
    const hash = createHash("sha256");
    const verify = createVerify("sha256");
    await feed([hash, verify]);
    const digest = hash.digest();
    const { messageDigest } = bundle.content.messageSignature;
    if (!digest.equals(messageDigest.digest)) {
      const signed = messageDigest.digest.toString("hex");
      throw signatureInvalid(`the bundle is about SHA-256 ${signed}, but ${about} has ${digest.toString("hex")}`);
    }
    const entity = toSignedEntity(bundle);
    check({ ...entity, signature: streamedContent(entity.signature, verify) }, signer, about);
    return signer.id;
  };

  return {
    verifyStatement: async (text) => {
      const { bundle, hint } = parseKeyBundle(text, "dsseEnvelope");
      const signer = signerOf(hint);
      check(toSignedEntity(bundle), signer, "the payload");
      const { payload, payloadType } = bundle.content.dsseEnvelope;
      if (payloadType !== STATEMENT_PAYLOAD) {
        throw signatureInvalid(`the signed payload is "${payloadType}", not ${STATEMENT_PAYLOAD}`);
      }
      return { signer: signer.id, statement: parseStatement(payload) };
    },
    verifyFile: (text, path, signal) => verifyMessage(text, path, (sinks) => feedFile(path, sinks, signal)),
    verifyBytes: (text, bytes) =>
      verifyMessage(text, "the content", async (sinks) => {
        for await (const chunk of bytes) for (const sink of sinks) sink.update(chunk);
      }),
  };
}

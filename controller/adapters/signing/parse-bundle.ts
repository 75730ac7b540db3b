import {
  BUNDLE_V03_MEDIA_TYPE,
  bundleFromJSON,
  type BundleWithDsseEnvelope,
  type BundleWithMessageSignature,
} from "@sigstore/bundle";
import { z } from "zod";
import { parseStrictJson } from "../../domain/strict-json.ts";
import { firstIssue, messageOf, signatureInvalid } from "./signature-invalid.ts";

/** Bytes in base64, in the one way of writing them: Buffer.from would pass over any other character. */
const Base64 = z
  .string()
  .min(1)
  .refine((text) => Buffer.from(text, "base64").toString("base64") === text, "must be base64");

const isSha256 = (base64: string): boolean => Buffer.from(base64, "base64").length === 32;

const untrusted = (what: string) =>
  z.array(z.unknown()).max(0, `must be empty: without a trusted root a ${what} cannot be checked`).exactOptional();

const VerificationMaterial = z.strictObject({
  publicKey: z.strictObject({ hint: Base64.refine(isSha256, "must be a key's SHA-256 in base64") }),
  tlogEntries: untrusted("transparency log's entry"),
  timestampVerificationData: z.strictObject({ rfc3161Timestamps: untrusted("time stamp") }).exactOptional(),
});

const MessageSignature = z.strictObject({
  messageDigest: z.strictObject({
    algorithm: z.literal("SHA2_256"),
    digest: Base64.refine(isSha256, "must be 32 bytes in base64"),
  }),
  signature: Base64,
});

const Envelope = z.strictObject({
  payload: Base64,
  payloadType: z.string(),
  signatures: z
    // cosign accepts no keyid beside a key
    .array(z.strictObject({ sig: Base64, keyid: z.literal("").exactOptional() }))
    .length(1, "must hold exactly one signature"),
});

/** What a bundle v0.3 by a key has; each name once, no other beside them, one content. */
const common = { mediaType: z.literal(BUNDLE_V03_MEDIA_TYPE), verificationMaterial: VerificationMaterial };
const KeyBundle = {
  messageSignature: z.strictObject({ ...common, messageSignature: MessageSignature }),
  dsseEnvelope: z.strictObject({ ...common, dsseEnvelope: Envelope }),
} as const;

/** How much of a bundle is read to say why it is refused. */
const Outline = z.looseObject({
  mediaType: z.string().catch(""),
  verificationMaterial: z.looseObject({}).catch({}),
});

type BundleWith = { messageSignature: BundleWithMessageSignature; dsseEnvelope: BundleWithDsseEnvelope };
const CONTENTS = { messageSignature: "a file's signature", dsseEnvelope: "a statement" } as const;
const CERTIFICATES = ["certificate", "x509CertificateChain"];
const OLDER_MEDIA_TYPE = /^application\/vnd\.dev\.sigstore\.bundle\+json;version=0\.[123]$/;

function refuseMediaType(mediaType: string): void {
  if (mediaType === BUNDLE_V03_MEDIA_TYPE) return;
  if (!OLDER_MEDIA_TYPE.test(mediaType)) {
    throw signatureInvalid(`the file is no Sigstore bundle that is known here: its media type is "${mediaType}"`);
  }
  throw signatureInvalid(`the bundle has the older form "${mediaType}", the policy wants "${BUNDLE_V03_MEDIA_TYPE}"`, {
    remedy: "sign again with a client that writes bundles v0.3, such as cosign 3",
  });
}

/**
 * A bundle v0.3 (protobuf-specs, sigstore_bundle.proto, in its JSON form) that a key signed, with the content that the
 * caller is after: what it holds decides neither.
 * @returns the bundle and the key's name in it
 * @throws ReleaseError SignatureInvalid on anything else: another version, a certificate, a second content or signature,
 *   log entries and time stamps, names that stand twice or are unknown
 */
export function parseKeyBundle<Content extends keyof BundleWith>(
  text: string,
  content: Content,
): { readonly bundle: BundleWith[Content]; readonly hint: string } {
  let value: unknown;
  try {
    value = parseStrictJson(text);
  } catch (error) {
    throw signatureInvalid(`the bundle is no JSON: ${messageOf(error)}`, { cause: error });
  }
  const outline = Outline.safeParse(value);
  if (!outline.success) throw signatureInvalid("the file is no Sigstore bundle: it holds no JSON object");
  const { mediaType, verificationMaterial } = outline.data;
  refuseMediaType(mediaType);
  if (CERTIFICATES.some((name) => name in verificationMaterial)) {
    throw signatureInvalid("the bundle carries a certificate, but the policy trusts keys", {
      remedy: "verify it under a policy that trusts the certificate's identity",
    });
  }
  const other = content === "dsseEnvelope" ? "messageSignature" : "dsseEnvelope";
  if (!(content in outline.data) && other in outline.data) {
    throw signatureInvalid(`the bundle holds ${CONTENTS[other]}, not ${CONTENTS[content]}`);
  }
  const checked = KeyBundle[content].safeParse(value);
  if (!checked.success) throw signatureInvalid(`the bundle is malformed: ${firstIssue(checked.error)}`);
  return {
    bundle: bundleFromJSON(value) as BundleWith[Content],
    hint: checked.data.verificationMaterial.publicKey.hint,
  };
}

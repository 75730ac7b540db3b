import { z } from "zod";
import { recordInvalid, recordJson } from "./record-invalid.ts";
import { Statement, STATEMENT_PAYLOAD } from "./statement.ts";

/** As much of a Sigstore bundle as must be there to find a statement in it (protobuf-specs, sigstore_bundle.proto). */
const Bundle = z.object({
  mediaType: z.string().regex(/^application\/vnd\.dev\.sigstore\.bundle/, "must be a Sigstore bundle"),
  verificationMaterial: z.record(z.string(), z.unknown()),
  dsseEnvelope: z.object({
    payload: z.base64(),
    payloadType: z.literal(STATEMENT_PAYLOAD),
    signatures: z.array(z.unknown()).min(1),
  }),
});

/**
 * The statement in a bundle, NOT verified: who wrote it is only known once a BundleVerifier has read the same text.
 * @throws ReleaseError RecordInvalid naming file and field, if there is no statement in it
 */
export function unverifiedStatement(file: string, text: string): Statement {
  const { payload } = recordJson(file, text, Bundle).dsseEnvelope;
  const binary = atob(payload);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  let content: string;
  try {
    content = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw recordInvalid(file, "dsseEnvelope.payload", "is not UTF-8 text", { cause });
  }
  return recordJson(`${file}: payload`, content, Statement);
}

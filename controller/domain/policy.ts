import { z } from "zod";
import { type Sha256Hex, sha256Hex } from "../../builders/contract/digest.ts";
import { SERVICE_URL } from "./addresses.ts";
import { crossRule, text, uniqueTexts } from "./fields.ts";
import { LABEL_NAME, RELEASE_NAME } from "./names.ts";
import { quote } from "./problem.ts";
import { API_VERSION } from "./release.ts";
import type { TextRule } from "./text-rule.ts";
import { isMoment } from "./timestamp.ts";

const FINGERPRINT: TextRule = {
  what: "a key's fingerprint",
  pattern: /^[0-9a-f]{64}$/,
  maxLength: 80,
  form: "write the SHA-256 of the public key in DER, 64 lower-case hex digits",
  recognise: (value) =>
    value.startsWith("sha256:")
      ? { message: `${quote(value)} has a prefix`, remedy: "write the 64 hex digits only" }
      : undefined,
};

/** A PEM text with one key (RFC 7468). A private one is refused without repeating any of it. */
const PUBLIC_KEY: TextRule = {
  what: "a public key in PEM",
  pattern: /^-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/]+={0,2}\n)+-----END PUBLIC KEY-----\n?$/,
  maxLength: 2048,
  form: "write the whole text from -----BEGIN PUBLIC KEY----- on, as a block after |",
  recognise: (value) =>
    value.includes("PRIVATE KEY")
      ? { message: "is a private key", remedy: "replace that key, since it stood in a file, and write its public half" }
      : undefined,
};

const URI_RULE = { maxLength: 512, pattern: /^[a-z][a-z0-9+.-]*:[^\s#]+$/ };

/** The URI by which a policy and a provenance name a builder. */
export const BUILDER_ID: TextRule = {
  ...URI_RULE,
  what: "a builder's id",
  form: 'write the URI that its provenance has in runDetails.builder.id, for example "https://imgrel.example/builders/local@v1"',
};

const SAN: TextRule = {
  what: "an identity",
  pattern: /^[^\s]+$/,
  maxLength: 512,
  form: "write the certificate's identity whole, a URI or a mail address",
  recognise: (value) =>
    /[*^$\\]|\.\+/.test(value)
      ? { message: `${quote(value)} looks like a pattern`, remedy: "write one identity, which is compared as it is" }
      : undefined,
};

const MOMENT: TextRule = {
  what: "a moment in UTC",
  pattern: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  maxLength: 32,
  form: 'write YYYY-MM-DDTHH:MM:SSZ, for example "2026-01-01T00:00:00Z"',
  recognise: (value) =>
    MOMENT.pattern.test(value) && !isMoment(value)
      ? { message: `${quote(value)} is no moment of the calendar`, remedy: "correct the month, day or time" }
      : undefined,
};

/** An allowed_signers file of OpenSSH (ssh-keygen(1), "ALLOWED SIGNERS"); git decides what its lines mean. */
const SPEC_SIGNERS: TextRule = {
  what: "an allowed_signers file",
  pattern: /(?:^|\n)[^#\s][^\n]* (?:ssh-|ecdsa-|sk-)[^\n]+/,
  maxLength: 65_536,
  form: 'write lines of an allowed_signers file as a block after |, for example "alice@example.org ssh-ed25519 AAAA…"',
  recognise: (value) =>
    value.includes("PRIVATE KEY")
      ? {
          message: "holds a private key",
          remedy: "replace that key, since it stood in a file, and write its public half",
        }
      : undefined,
};

const WAIVER_REASON: TextRule = {
  what: "a reason",
  pattern: /^[^\p{Cc}]*[^\p{Cc}\s][^\p{Cc}]*$/u,
  maxLength: 512,
  form: "say on one line why the other bytes are accepted",
};

const Waiver = z
  .strictObject({
    release: text(RELEASE_NAME, "Name of the release.", "demo"),
    operator: text(LABEL_NAME, "Whose rebuilds of it may have other bytes.", "b"),
    why: text(WAIVER_REASON, "Why that is accepted.", "built with a broken disk"),
  })
  .meta({
    description: "Other bytes that are accepted.",
    examples: [{ release: "demo", operator: "b", why: "known" }],
  });

const EXAMPLE_BUILDER = "https://imgrel.example/builders/local@v1";

const signer = {
  id: text(LABEL_NAME, "Name of the signer in messages.", "controller"),
  builderIds: uniqueTexts(
    text(BUILDER_ID, "A builder that this signer may speak for.", EXAMPLE_BUILDER),
    "builder",
    { min: 1, max: 16 },
    { description: "Builders that this signer may speak for.", example: [EXAMPLE_BUILDER] },
  ),
  operator: text(LABEL_NAME, "Who runs these builders: quorums count operators.", "acme"),
  maxBuildLevel: z
    .int()
    .min(0)
    .max(3)
    .meta({ description: "Highest SLSA build level that is believed of this signer.", examples: [1] }),
  validFrom: text(MOMENT, "The signer counts from here; left out: since ever.", "2026-01-01T00:00:00Z").exactOptional(),
  validUntil: text(MOMENT, "The signer counts until here; left out: for ever.", "2027-01-01T00:00:00Z").exactOptional(),
};

/** SHA-256 of the DER in a PEM text of {@link PUBLIC_KEY}'s form; undefined if its base64 is none. */
function fingerprintOf(pem: string): Sha256Hex | undefined {
  try {
    const der = atob(pem.replaceAll(/-----[A-Z ]+-----|\n/g, ""));
    return sha256Hex(Uint8Array.from(der, (character) => character.charCodeAt(0)));
  } catch {
    return undefined;
  }
}

const KeySigner = z
  .strictObject({
    ...signer,
    mode: z.literal("key"),
    keySha256: text(FINGERPRINT, "Fingerprint of the public key.", "0123456789abcdef".repeat(4)),
    publicKey: text(
      PUBLIC_KEY,
      "The public key; left out: it is given beside the policy.",
      "-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n",
    ).exactOptional(),
  })
  .check(
    crossRule(z.object({ keySha256: z.string(), publicKey: z.string() }), ({ keySha256, publicKey }, complain) => {
      const found = PUBLIC_KEY.pattern.test(publicKey) ? fingerprintOf(publicKey) : undefined;
      if (found === keySha256 || !PUBLIC_KEY.pattern.test(publicKey)) return;
      complain(["publicKey"], {
        message: found === undefined ? "is not base64 inside" : `has the fingerprint ${found}, not keySha256`,
        remedy: "find out which of the two is the signer's, and correct the other",
      });
    }),
  );

const KeylessSigner = z.strictObject({
  ...signer,
  mode: z.literal("keyless"),
  issuer: text(SERVICE_URL, "Issuer of the identity, compared as it is.", "https://oidc.example"),
  san: text(SAN, "Identity in the certificate, compared as it is.", "https://oidc.example/ns/build/sa/imgrel"),
});

const Requirements = z
  .strictObject({
    minBuilds: z
      .int()
      .min(1)
      .max(16)
      .default(2)
      .meta({ description: "Fewest runs with the same bytes.", examples: [2] }),
    minOperators: z
      .int()
      .min(1)
      .max(16)
      .default(1)
      .meta({ description: "Fewest operators among them.", examples: [1] }),
    tlog: z
      .enum(["optional", "required"])
      .default("optional")
      .meta({ description: "Whether an entry in a transparency log is required.", examples: ["optional"] }),
    timestamp: z
      .enum(["optional", "required-for-keyless", "required"])
      .default("required-for-keyless")
      .meta({ description: "Whether a signed time stamp is required.", examples: ["required-for-keyless"] }),
    tests: z
      .array(z.enum(["boot"]))
      .max(1)
      .default(["boot"])
      .meta({ description: "Tests that must have passed; left out: boot.", examples: [["boot"]] }),
    sbom: z
      .boolean()
      .default(true)
      .meta({ description: "Whether the bills of materials must have exactly the lock's packages.", examples: [true] }),
  })
  .prefault({})
  .meta({ description: "What a release must show.", examples: [{ minBuilds: 2 }] });

const AnySigners = z.array(
  z.object({ id: z.string().optional().catch(undefined), operator: z.string().optional().catch(undefined) }),
);
const Validity = z.object({ validFrom: z.string(), validUntil: z.string() });

/**
 * `policy/verify.yaml`: whom `imgrel verify` believes, and what a release must show (trust.md 2.3). It says what the
 * bundles may not choose themselves: mode, key or identity, and who speaks for which builder.
 */
export const Policy = z
  .strictObject({
    apiVersion: z.literal(API_VERSION).meta({ description: "Group and version.", examples: [API_VERSION] }),
    signers: z
      .array(
        z
          .discriminatedUnion("mode", [KeySigner, KeylessSigner])
          .check(
            crossRule(Validity, ({ validFrom, validUntil }, complain) => {
              if (validFrom < validUntil) return;
              complain(["validUntil"], { message: "is not after validFrom", remedy: "correct one of the two" });
            }),
          )
          .meta({ description: "Somebody who signs.", examples: [{ id: "controller", mode: "key" }] }),
      )
      .min(1)
      .max(32)
      .meta({ description: "Who is believed.", examples: [[{ id: "controller", mode: "key" }]] }),
    requirements: Requirements,
    specSigners: text(
      SPEC_SIGNERS,
      "Who must have signed the commit that last touched a spec; left out: nobody has to.",
      "alice@example.org ssh-ed25519 AAAA…",
    ).exactOptional(),
    waivers: z
      .array(Waiver)
      .max(64)
      .meta({
        description: "Rebuilds whose other bytes are accepted; left out: none.",
        examples: [[{ release: "demo", operator: "b", why: "known" }]],
      })
      .exactOptional(),
  })
  .check(
    crossRule(z.object({ signers: AnySigners }), ({ signers }, complain) => {
      signers.forEach(({ id }, index) => {
        const first = signers.findIndex((one) => one.id === id);
        if (id === undefined || first === index) return;
        complain(["signers", index, "id"], {
          message: `signer ${quote(id)} stands twice, first as entry ${first}`,
          remedy: "give each signer a name of its own",
        });
      });
    }),
    crossRule(
      z.object({ signers: AnySigners, requirements: z.object({ minOperators: z.int() }) }),
      ({ signers, requirements }, complain) => {
        const operators = new Set(signers.map(({ operator }) => operator)).size;
        if (signers.length === 0 || requirements.minOperators <= operators) return;
        complain(["requirements", "minOperators"], {
          message: `${requirements.minOperators} operators are asked for, but the signers have ${operators}`,
          remedy: "add signers of other operators, or ask for fewer",
        });
      },
    ),
    crossRule(
      z.object({ requirements: z.object({ minBuilds: z.int().default(2), minOperators: z.int() }) }),
      ({ requirements: { minBuilds, minOperators } }, complain) => {
        if (minOperators <= minBuilds) return;
        complain(["requirements", "minBuilds"], {
          message: `${minBuilds} builds cannot come from ${minOperators} operators`,
          remedy: `write ${minOperators} or more`,
        });
      },
    ),
  )
  .meta({ title: "Verification policy", description: "Whom imgrel verify believes, and what a release must show." });
export type Policy = z.infer<typeof Policy>;

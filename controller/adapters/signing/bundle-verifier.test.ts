import { toDSSEBundle, bundleToJSON } from "@sigstore/bundle";
import { dsse } from "@sigstore/core";
import fc from "fast-check";
import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canonicalJson, sha256Hex } from "../../../builders/contract/digest.ts";
import { PREDICATE, type Statement, STATEMENT_PAYLOAD, STATEMENT_TYPE } from "../../domain/statement.ts";
import type { TrustedSigner } from "../../ports/bundle-verifier.ts";
import type { Signer } from "../../ports/signer.ts";
import { createBundleVerifier } from "./bundle-verifier.ts";
import { openKeySigner } from "./key-signer.ts";
import { hintOf } from "./public-key.ts";

const never = new AbortController().signal;
const IMAGE = Buffer.alloc(3_000_000, "image");
const STATEMENT: Statement = {
  _type: STATEMENT_TYPE,
  subject: [{ name: "disk.img", digest: { sha256: sha256Hex(IMAGE) } }],
  predicateType: PREDICATE.provenance,
  predicate: { buildDefinition: { z: 1, a: ["é", null] } },
};

let folder = "";
let image = "";
let signer: Signer;
let stranger: Signer;
let fileBundle = "";
let statementBundle = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bundle-verifier-"));
  image = join(folder, "disk.img");
  await writeFile(image, IMAGE);
  signer = await openKeySigner({ folder: join(folder, "keys") });
  stranger = await openKeySigner({ folder: join(folder, "other-keys") });
  fileBundle = await signer.signFile(image, sha256Hex(IMAGE), never);
  statementBundle = await signer.signStatement(STATEMENT, never);
});
afterAll(() => rm(folder, { recursive: true }));

const trusted = (id: string, who: Signer, validity: Partial<TrustedSigner> = {}): TrustedSigner => ({
  id,
  ...who.identity,
  ...validity,
});
const NOW = new Date("2026-12-01T00:00:00Z");
const verifierOf = (...signers: TrustedSigner[]) => createBundleVerifier({ signers, now: () => NOW });
const verifier = () => verifierOf(trusted("prod", signer));
const fault = (message: string | RegExp) => ({
  code: "SignatureInvalid",
  exitCode: 1,
  message: typeof message === "string" ? expect.stringContaining(message) : expect.stringMatching(message),
});
/** A bundle with another value at `place`, such as `messageSignature.signature`; undefined takes it away. */
function changed(bundle: string, place: string, value: unknown): string {
  const json: unknown = JSON.parse(bundle);
  const names = place.split(".");
  const last = names.pop() ?? "";
  const parent = names.reduce((at, name) => (at as Record<string, unknown>)[name], json) as Record<string, unknown>;
  parent[last] = value;
  return JSON.stringify(json);
}
/** What a bundle holds in base64 at `place`, of which byte `at` differs. */
function altered(bundle: string, place: string, at = 0): string {
  const text = place.split(".").reduce((json, name) => json[name], JSON.parse(bundle));
  return changed(bundle, place, flipped(text, at));
}
/** Base64 of the same bytes but one. */
function flipped(base64: string, at = 0): string {
  const bytes = Buffer.from(base64, "base64");
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return bytes.toString("base64");
}
/** A bundle around any payload, signed by the trusted key. */
async function signed(payload: string | Uint8Array, payloadType: string = STATEMENT_PAYLOAD): Promise<string> {
  const key = createPrivateKey(await readFile(join(folder, "keys/signing.key")));
  const artifact = Buffer.from(payload);
  const signature = sign("sha256", dsse.preAuthEncoding(payloadType, artifact), key);
  const keyHint = hintOf(signer.identity.keySha256);
  const bundle = toDSSEBundle({ artifact, artifactType: payloadType, signature, keyHint });
  for (const one of bundle.content.dsseEnvelope.signatures) one.keyid = "";
  return JSON.stringify(bundleToJSON(bundle));
}

describe("a good bundle", () => {
  it("says who signed it, and a statement comes back whole", async () => {
    const both = verifierOf(trusted("other", stranger), trusted("prod", signer));
    expect(await both.verifyFile(fileBundle, image, never)).toBe("prod");
    expect(await both.verifyStatement(statementBundle)).toEqual({ signer: "prod", statement: STATEMENT });
    expect((await both.verifyStatement(await stranger.signStatement(STATEMENT, never))).signer).toBe("other");
  });
  it("may be about an empty file", async () => {
    const empty = join(folder, "empty");
    await writeFile(empty, "");
    const bundle = await signer.signFile(empty, sha256Hex(""), never);
    expect(await verifier().verifyFile(bundle, empty, never)).toBe("prod");
  });
  it("counts on both days of its key's validity and no other", async () => {
    const days = { validFrom: new Date("2026-01-01T00:00:00Z"), validUntil: new Date("2027-01-01T00:00:00Z") };
    const at = (now: string) =>
      createBundleVerifier({ signers: [trusted("prod", signer, days)], now: () => new Date(now) });
    for (const now of ["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"]) {
      expect((await at(now).verifyStatement(statementBundle)).signer).toBe("prod");
    }
    const early = "the key of prod is valid from 2026-01-01T00:00:00.000Z, and nothing shows when";
    const late = "the key of prod was valid until 2027-01-01T00:00:00.000Z, and nothing shows when";
    await expect(at("2025-12-31T23:59:59Z").verifyStatement(statementBundle)).rejects.toMatchObject(fault(early));
    await expect(at("2027-01-01T00:00:01Z").verifyFile(fileBundle, image, never)).rejects.toMatchObject(fault(late));
  });
});

describe("a file's bundle is refused", () => {
  const assertRefused = (bundle: string, message: string | RegExp, path = image, by = verifier()) =>
    expect(by.verifyFile(bundle, path, never)).rejects.toMatchObject(fault(message));

  it.each([0, IMAGE.length / 2, IMAGE.length - 1])("over a file of which byte %d differs", async (at) => {
    const copy = Buffer.from(IMAGE);
    copy.writeUInt8(copy.readUInt8(at) ^ 0x80, at);
    const path = join(folder, "changed.img");
    await writeFile(path, copy);
    await assertRefused(fileBundle, `is about SHA-256 ${sha256Hex(IMAGE)}, but ${path} has ${sha256Hex(copy)}`, path);
  });
  it("over a file that the bundle's digest fits, but not its signature", async () => {
    const path = join(folder, "other.img");
    await writeFile(path, "other");
    const digest = Buffer.from(sha256Hex("other"), "hex").toString("base64");
    const bundle = changed(fileBundle, "messageSignature.messageDigest.digest", digest);
    await assertRefused(bundle, `does not fit ${path} and the key of prod: signature verification failed`, path);
  });
  it("with another signature", async () => {
    for (const at of [0, 1, 10, 60]) {
      await assertRefused(altered(fileBundle, "messageSignature.signature", at), "signature verification failed");
    }
  });
  it("with another digest", () =>
    assertRefused(
      altered(fileBundle, "messageSignature.messageDigest.digest"),
      /the bundle is about SHA-256 [0-9a-f]{64}, but .*disk\.img has [0-9a-f]{64}/,
    ));
  it("with another digest algorithm", () =>
    assertRefused(
      changed(fileBundle, "messageSignature.messageDigest.algorithm", "SHA2_512"),
      "malformed: messageSignature.messageDigest.algorithm",
    ));
  it("where it belongs to another file", async () => {
    const path = join(folder, "second.img");
    await writeFile(path, "second");
    const second = await signer.signFile(path, sha256Hex("second"), never);
    await assertRefused(second, `is about SHA-256 ${sha256Hex("second")}, but ${image} has`);
    await assertRefused(fileBundle, `is about SHA-256 ${sha256Hex(IMAGE)}, but ${path} has`, path);
  });
  it("where it holds a statement, even about that file", () =>
    assertRefused(statementBundle, "the bundle holds a statement, not a file's signature"));
  it("by a key that the policy does not name", async () => {
    const { keySha256 } = stranger.identity;
    await assertRefused(
      await stranger.signFile(image, sha256Hex(IMAGE), never),
      `signed with the key ${keySha256}, which the policy does not name`,
    );
  });
  it("by a stranger who writes the name of a trusted key", async () => {
    const strange = await stranger.signFile(image, sha256Hex(IMAGE), never);
    const named = changed(strange, "verificationMaterial.publicKey.hint", hintOf(signer.identity.keySha256));
    await assertRefused(named, "and the key of prod: signature verification failed");
  });
  it("that names another trusted key", async () => {
    const named = changed(fileBundle, "verificationMaterial.publicKey.hint", hintOf(stranger.identity.keySha256));
    const both = verifierOf(trusted("prod", signer), trusted("other", stranger));
    await assertRefused(named, "and the key of other: signature verification failed", image, both);
  });
  it("before the file is read, if the policy does not name its key", () =>
    assertRefused(fileBundle, "which the policy does not name", join(folder, "missing"), verifierOf()));
  it("with the signal's reason if that fires", async () => {
    const reason = new Error("enough");
    await expect(verifier().verifyFile(fileBundle, image, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe("a statement's bundle is refused", () => {
  const assertRefused = (bundle: string, message: string | RegExp) =>
    expect(verifier().verifyStatement(bundle)).rejects.toMatchObject(fault(message));

  it("with another payload, payload type or signature", async () => {
    for (const bundle of [
      altered(statementBundle, "dsseEnvelope.payload", 5),
      altered(statementBundle, "dsseEnvelope.signatures.0.sig", 20),
      changed(statementBundle, "dsseEnvelope.payloadType", "application/vnd.in-toto+jsom"),
    ]) {
      await assertRefused(bundle, "does not fit the payload and the key of prod: signature verification failed");
    }
  });
  it("where it holds a file's signature", () =>
    assertRefused(fileBundle, "the bundle holds a file's signature, not a statement"));
  it("with no signature, several, or a key's name beside one", async () => {
    const [one] = JSON.parse(statementBundle).dsseEnvelope.signatures;
    const withSignatures = (...signatures: unknown[]) =>
      changed(statementBundle, "dsseEnvelope.signatures", signatures);
    await assertRefused(withSignatures(), "dsseEnvelope.signatures: must hold exactly one signature");
    await assertRefused(withSignatures(one, one), "dsseEnvelope.signatures: must hold exactly one signature");
    await assertRefused(withSignatures({ ...one, keyid: "k" }), "dsseEnvelope.signatures.0.keyid");
  });
  it("around a payload of another type", async () => {
    for (const type of ["application/json", "application/vnd.in-toto+json; charset=utf-8"]) {
      await assertRefused(await signed(canonicalJson(STATEMENT), type), `the signed payload is "${type}", not`);
    }
  });
  it.each([
    ["_type", { ...STATEMENT, _type: "https://in-toto.io/Statement/v0.1" }],
    ["subject", { ...STATEMENT, subject: [] }],
    ["subject.0.digest.sha256", { ...STATEMENT, subject: [{ name: "x", digest: { sha1: "aa" } }] }],
    ["predicateType", { ...STATEMENT, predicateType: "" }],
    ["predicate", { ...STATEMENT, predicate: [] }],
    ["Invalid input", []],
  ])("around no statement: %s", async (place, payload) =>
    assertRefused(await signed(JSON.stringify(payload)), `the signed payload is no in-toto statement: ${place}`),
  );
  it("around a payload that readers may take in two ways", async () => {
    const twice = canonicalJson(STATEMENT).replace('"predicate":', '"predicate":{},"predicate":');
    await assertRefused(await signed(twice), 'no JSON: the name "predicate" stands twice in one object');
    const subject = canonicalJson(STATEMENT).replace('"sha256":', `"sha256":"${"0".repeat(64)}","sha\\u003256":`);
    await assertRefused(await signed(subject), 'no JSON: the name "sha256" stands twice in one object');
    await assertRefused(await signed(Buffer.from([0x22, 0xff, 0x22])), "the signed payload is no JSON");
    await assertRefused(await signed("{"), "the signed payload is no JSON");
  });
});

describe("any bundle is refused", () => {
  const assertRefused = (bundle: string, message: string | RegExp) =>
    expect(verifier().verifyStatement(bundle)).rejects.toMatchObject(fault(message));
  const material = (name: string, value: unknown) => changed(statementBundle, `verificationMaterial.${name}`, value);

  it.each(["0.1", "0.2", "0.3"])("in the older form %s", (version) =>
    assertRefused(
      changed(statementBundle, "mediaType", `application/vnd.dev.sigstore.bundle+json;version=${version}`),
      `version=${version}", the policy wants "application/vnd.dev.sigstore.bundle.v0.3+json"`,
    ),
  );
  it.each([
    "",
    "application/vnd.dev.sigstore.bundle.v0.4+json",
    "application/vnd.dev.sigstore.bundle+json;version=9.9",
  ])("of the unknown media type %j", (mediaType) =>
    assertRefused(
      changed(statementBundle, "mediaType", mediaType),
      `no Sigstore bundle that is known here: its media type is "${mediaType}"`,
    ),
  );
  it("of cosign's own former form", () =>
    assertRefused('{"base64Signature":"MEUC","cert":"LS0t"}', 'its media type is ""'));
  it("with a certificate, alone or beside the key's name", async () => {
    const certificate = { rawBytes: "MIIB" };
    const beside = material("certificate", certificate);
    const alone = changed(beside, "verificationMaterial.publicKey", undefined);
    const chain = material("x509CertificateChain", { certificates: [certificate] });
    for (const bundle of [beside, alone, chain]) {
      await assertRefused(bundle, "the bundle carries a certificate, but the policy trusts keys");
    }
  });
  it("with log entries or time stamps that nobody can check", async () => {
    await assertRefused(
      material("tlogEntries", [{ logIndex: "1" }]),
      "tlogEntries: must be empty: without a trusted root a transparency log's entry cannot be checked",
    );
    await assertRefused(
      material("timestampVerificationData", { rfc3161Timestamps: [{ signedTimestamp: "MIIB" }] }),
      "rfc3161Timestamps: must be empty: without a trusted root a time stamp cannot be checked",
    );
  });
  it("with two contents, or none", async () => {
    const { messageSignature } = JSON.parse(fileBundle);
    const both = changed(statementBundle, "messageSignature", messageSignature);
    await assertRefused(both, 'malformed: Unrecognized key: "messageSignature"');
    await assertRefused(changed(statementBundle, "dsseEnvelope", undefined), "malformed: dsseEnvelope");
  });
  it("without a key's name, or with one that is no SHA-256", async () => {
    await assertRefused(material("publicKey", undefined), "malformed: verificationMaterial.publicKey");
    for (const hint of ["", "AAAA", "not base64!"]) {
      await assertRefused(material("publicKey.hint", hint), "malformed: verificationMaterial.publicKey.hint");
    }
  });
  it("with a name that stands twice", () =>
    assertRefused(
      statementBundle.replace('"payloadType":', '"payloadType":"text/plain","payloadType":'),
      "stands twice",
    ));
  it("where it is no JSON object", async () => {
    for (const text of ["[]", "null", '"text"', "1"])
      await assertRefused(text, "no Sigstore bundle: it holds no JSON object");
    await assertRefused("", "the bundle is no JSON");
  });
  it("if it ends early, wherever", async () => {
    for (let length = 0; length < fileBundle.length - 1; length += 1) {
      await expect(verifier().verifyFile(fileBundle.slice(0, length), image, never)).rejects.toMatchObject(
        fault("the bundle is no JSON"),
      );
    }
  });
  it("if any character differs", async () => {
    const digest = sha256Hex("small");
    const path = join(folder, "small");
    await writeFile(path, "small");
    const bundles = [await signer.signFile(path, digest, never), statementBundle].map((text) => text.trimEnd());
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 0x20, max: 0x7e }), async (place, code) => {
        for (const [index, text] of bundles.entries()) {
          const at = place % text.length;
          const other = `${text.slice(0, at)}${String.fromCharCode(code)}${text.slice(at + 1)}`;
          if (other === text) continue;
          const verified = index === 0 ? verifier().verifyFile(other, path, never) : verifier().verifyStatement(other);
          await expect(verified, other).rejects.toMatchObject({ code: "SignatureInvalid" });
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a policy is refused", () => {
  const assertRefused = (message: string, ...signers: TrustedSigner[]) => {
    expect(() => verifierOf(...signers)).toThrow(expect.objectContaining({ code: "KeyUnusable", message }));
  };
  it("if the public key given is not the one that it names", () => {
    const { publicKey } = stranger.identity;
    assertRefused(
      `the public key given for prod has fingerprint ${stranger.identity.keySha256}, not ${signer.identity.keySha256}`,
      trusted("prod", signer, { publicKey }),
    );
  });
  it("if the public key given is none, or of another kind", () => {
    assertRefused(
      "the public key given for prod holds no public key in PEM",
      trusted("prod", signer, { publicKey: "x" }),
    );
    const publicKey = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString();
    assertRefused("the public key given for prod holds a key of kind ed25519", trusted("prod", signer, { publicKey }));
  });
  it("if signers share an ID or a key", () => {
    assertRefused("the signers a and b share an ID or a key", trusted("a", signer), trusted("b", signer));
    assertRefused("the signers a and a share an ID or a key", trusted("a", signer), trusted("a", stranger));
  });
});

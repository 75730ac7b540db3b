import { bundleFromJSON } from "@sigstore/bundle";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { createPublicKey } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canonicalJson, sha256Hex } from "../../../builders/contract/digest.ts";
import { PREDICATE, type Statement, STATEMENT_TYPE } from "../../domain/statement.ts";
import type { Signer } from "../../ports/signer.ts";
import { keySigner, openKeySigner } from "./key-signer.ts";

const never = new AbortController().signal;
const STATEMENT: Statement = {
  _type: STATEMENT_TYPE,
  subject: [{ name: "disk.img", digest: { sha256: sha256Hex("image") } }],
  predicateType: PREDICATE.release,
  predicate: { purl: "pkg:generic/demo", a: 1 },
};

let folder = "";
let image = "";
let signer: Signer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "key-signer-"));
  image = join(folder, "disk.img");
  await writeFile(image, "image");
  signer = await openKeySigner({ folder: join(folder, "keys") });
});
afterAll(() => rm(folder, { recursive: true }));

/** The client as it comes, told to trust this key and to ask for no log and no time stamp. */
function verifyPlainly(bundle: string, publicKey: string, artifact?: Buffer): void {
  const root = { mediaType: "", tlogs: [], certificateAuthorities: [], ctlogs: [], timestampAuthorities: [] };
  const keys = () => ({ publicKey: createPublicKey(publicKey), validFor: () => true });
  const thresholds = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 };
  const entity = toSignedEntity(bundleFromJSON(JSON.parse(bundle)), artifact);
  new Verifier(toTrustMaterial(root, keys), thresholds).verify(entity);
}

describe("openKeySigner", () => {
  it("makes bundles that @sigstore/verify takes as it comes, under this key alone", async () => {
    const other = await openKeySigner({ folder: join(folder, "other-keys") });
    const statement = await signer.signStatement(STATEMENT, never);
    const file = await signer.signFile(image, sha256Hex("image"), never);
    expect(() => verifyPlainly(statement, signer.identity.publicKey)).not.toThrow();
    expect(() => verifyPlainly(file, signer.identity.publicKey, Buffer.from("image"))).not.toThrow();
    const failed = "signature verification failed";
    expect(() => verifyPlainly(statement, other.identity.publicKey)).toThrow(failed);
    expect(() => verifyPlainly(file, signer.identity.publicKey, Buffer.from("imagf"))).toThrow(failed);
  });
  it("writes a file's bundle v0.3 that names the key by its fingerprint", async () => {
    const hint = Buffer.from(signer.identity.keySha256, "hex").toString("base64");
    expect(JSON.parse(await signer.signFile(image, sha256Hex("image"), never))).toEqual({
      mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      verificationMaterial: { publicKey: { hint }, timestampVerificationData: {} },
      messageSignature: {
        messageDigest: { algorithm: "SHA2_256", digest: Buffer.from(sha256Hex("image"), "hex").toString("base64") },
        signature: expect.stringMatching(/^ME[QUY]C/),
      },
    });
  });
  it("signs a statement's canonical JSON, without a key's name beside the signature", async () => {
    const text = await signer.signStatement(STATEMENT, never);
    expect(text).toBe(`${canonicalJson(JSON.parse(text))}\n`);
    const { dsseEnvelope } = JSON.parse(text);
    expect(dsseEnvelope).toEqual({
      payload: Buffer.from(canonicalJson(STATEMENT)).toString("base64"),
      payloadType: "application/vnd.in-toto+json",
      signatures: [{ sig: expect.any(String) }],
    });
  });
  it("refuses a file that is not what was compared", async () => {
    await expect(signer.signFile(image, sha256Hex("other"), never)).rejects.toMatchObject({
      code: "InputDigestMismatch",
      message: `${image} has SHA-256 ${sha256Hex("image")}, not ${sha256Hex("other")}: it is not signed`,
    });
  });
  it("tells of a file that is missing, and ends with the signal's reason", async () => {
    const missing = signer.signFile(join(folder, "missing"), sha256Hex(""), never);
    await expect(missing).rejects.toMatchObject({ code: "ENOENT" });
    const reason = new Error("enough");
    const stopped = signer.signFile(image, sha256Hex("image"), AbortSignal.abort(reason));
    await expect(stopped).rejects.toBe(reason);
  });
  it("gives nobody the private key", async () => {
    const { identity } = signer;
    expect(Object.keys(identity).toSorted()).toEqual(["keySha256", "mode", "publicKey"]);
    expect(identity.publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----/);
    expect(sha256Hex(createPublicKey(identity.publicKey).export({ type: "spki", format: "der" }))).toBe(
      identity.keySha256,
    );
  });
});

describe("keySigner", () => {
  it("is the same signer, of a key that is kept elsewhere", async () => {
    const pem = await readFile(join(folder, "keys/signing.key"), "utf8");
    const elsewhere = keySigner(pem, "the Secret signing-key");
    expect(elsewhere.identity).toEqual(signer.identity);
    const statement = await elsewhere.signStatement(STATEMENT, never);
    expect(() => verifyPlainly(statement, signer.identity.publicKey)).not.toThrow();
  });
  it("names what holds a key that is none", () => {
    expect(() => keySigner("no key", "the Secret signing-key")).toThrow("the Secret signing-key holds no PKCS#8 key");
  });
});

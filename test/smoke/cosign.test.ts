import { cp, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBundleVerifier } from "../../controller/adapters/signing/bundle-verifier.ts";
import { openKeySigner } from "../../controller/adapters/signing/key-signer.ts";
import { canonicalJson, type Sha256Hex, sha256Hex } from "../../builders/contract/digest.ts";
import { platformStatement } from "../../controller/domain/platform-statement.ts";
import { PREDICATE, type Statement, STATEMENT_TYPE } from "../../controller/domain/statement.ts";
import type { Signer } from "../../controller/ports/signer.ts";
import { runTools, toolchainRoot } from "../toolbox.ts";

// Bundles of ours against the real cosign, and cosign's against our verifier: it runs in the sandbox, without network.
const IMAGE = Buffer.alloc(2_000_000, "disk image");
const SHA256: Sha256Hex = sha256Hex(IMAGE);
const KEY = "--key keys/signing.pub --insecure-ignore-tlog";
const signal = new AbortController().signal;

let root = "";
let work = "";
let signer: Signer;
const file = (name: string): string => join(work, name);

/** A statement about the image that says little. */
const statement = (predicateType: string): Statement => ({
  _type: STATEMENT_TYPE,
  subject: [
    { name: "amd64/build-manifest.json", digest: { sha256: sha256Hex("manifest") } },
    { name: "amd64/raw/installer.img", digest: { sha256: SHA256 }, annotations: { sizeBytes: IMAGE.length } },
  ],
  predicateType,
  predicate: { text: "é", list: [1, null] },
});
const sign = async (name: string, about: Statement) => writeFile(file(name), await signer.signStatement(about, signal));

/** What cosign says, all its streams together; it must end with 0. */
const cosign = (args: string) =>
  runTools(root, work, `export HOME=/w TUF_ROOT=/w/tuf COSIGN_PASSWORD=; cosign ${args} 2>&1`);

beforeAll(async () => {
  root = await toolchainRoot();
  work = await mkdtemp(join(tmpdir(), "imgrel-cosign-"));
  await writeFile(file("installer.img"), IMAGE);
  await cp(file("installer.img"), file("changed.img"));
  await using changed = await open(file("changed.img"), "r+");
  await changed.write(Buffer.from([IMAGE.readUInt8(1_000_000) ^ 1]), 0, 1, 1_000_000);
  signer = await openKeySigner({ folder: file("keys") });
  await writeFile(file("installer.cosign-bundle"), await signer.signFile(file("installer.img"), SHA256, signal));
  await sign(
    "installer.attestation-bundle",
    platformStatement("installer.img", {
      platform_name: null,
      oci_ref: "registry.example/powernode/images:2026.11.0-amd64-raw",
      sha256: SHA256,
      size_bytes: IMAGE.length,
      git_sha: "a".repeat(40),
      firmware_ref: null,
      arch: "amd64",
      built_at: "2026-11-23T03:09:00Z",
    }),
  );
});
afterAll(() => rm(work, { recursive: true, force: true }));

describe("cosign verifies", () => {
  test("a file by its bundle, and not another file", async () => {
    const line = `verify-blob ${KEY} --bundle installer.cosign-bundle`;
    expect(await cosign(`${line} installer.img`)).toContain("Verified OK");
    await expect(cosign(`${line} changed.img`)).rejects.toThrow("invalid signature");
  });

  test("what the platform is told, by the platform's own line, which names no type", async () => {
    const line = `verify-blob-attestation ${KEY} --bundle installer.attestation-bundle`;
    expect(await cosign(`${line} installer.img`)).toContain("Verified OK");
    await expect(cosign(`${line} changed.img`)).rejects.toThrow("artifact digests do not match digests in statement");
  });

  test.each(Object.entries(PREDICATE))("a statement of type %s, if it is asked for that type", async (name, type) => {
    await sign(`${name}.sigstore.json`, statement(type));
    const line = `verify-blob-attestation ${KEY} --bundle ${name}.sigstore.json`;
    expect(await cosign(`${line} --type ${type} installer.img`)).toContain("Verified OK");
    await expect(cosign(`${line} installer.img`)).rejects.toThrow("invalid predicate type, expected custom");
  });

  test("none by another key", async () => {
    await openKeySigner({ folder: file("other-keys") });
    const key = "--key other-keys/signing.pub --insecure-ignore-tlog";
    const blob = cosign(`verify-blob ${key} --bundle installer.cosign-bundle installer.img`);
    await expect(blob).rejects.toThrow("invalid signature");
    const about = cosign(`verify-blob-attestation ${key} --bundle installer.attestation-bundle installer.img`);
    await expect(about).rejects.toThrow("accepted signatures do not match threshold");
  });

  test("none with a key's name beside the signature: why ours has none", async () => {
    const bundle = JSON.parse(await readFile(file("installer.attestation-bundle"), "utf8"));
    bundle.dsseEnvelope.signatures[0].keyid = bundle.verificationMaterial.publicKey.hint;
    await writeFile(file("keyid.attestation-bundle"), JSON.stringify(bundle));
    const line = `verify-blob-attestation ${KEY} --bundle keyid.attestation-bundle installer.img`;
    await expect(cosign(line)).rejects.toThrow("accepted signatures do not match threshold");
  });
});

describe("what cosign signs with the same key", () => {
  const verifier = () => createBundleVerifier({ signers: [{ id: "prod", ...signer.identity }], now: () => new Date() });
  /** Signs with the key as cosign keeps it; neither log nor time-stamp authority is asked. */
  const cosignSigns = (command: string, bundle: string, args: string) =>
    cosign(`${command} --key import.key --yes --signing-config signing.json --bundle ${bundle} ${args}`);

  beforeAll(async () => {
    await cosign("import-key-pair --key keys/signing.key --output-key-prefix import --yes");
    await cosign("signing-config create --out signing.json");
  });

  test("the key is the same", async () => {
    expect(await readFile(file("import.pub"), "utf8")).toBe(signer.identity.publicKey);
  });

  test("is a file's bundle that we accept, and refuse for another file", async () => {
    await cosignSigns("sign-blob", "blob.json", "installer.img");
    const bundle = await readFile(file("blob.json"), "utf8");
    expect(await verifier().verifyFile(bundle, file("installer.img"), signal)).toBe("prod");
    const changed = verifier().verifyFile(bundle, file("changed.img"), signal);
    await expect(changed).rejects.toThrow(`the bundle is about SHA-256 ${SHA256}`);
  });

  test("is a statement that we accept, if it is one of version 1", async () => {
    const about = statement(PREDICATE.provenance);
    await writeFile(file("statement.json"), canonicalJson(about));
    await cosignSigns("attest-blob", "statement.sigstore.json", "--statement statement.json");
    const verified = await verifier().verifyStatement(await readFile(file("statement.sigstore.json"), "utf8"));
    expect(verified).toEqual({ signer: "prod", statement: about });
  });

  // given a predicate alone, cosign writes a statement 0.1 around it; a record holds version 1 only
  test("is refused as a statement 0.1", async () => {
    await writeFile(file("predicate.json"), "{}");
    await cosignSigns(
      "attest-blob",
      "old.sigstore.json",
      "--predicate predicate.json --type slsaprovenance1 installer.img",
    );
    const old = verifier().verifyStatement(await readFile(file("old.sigstore.json"), "utf8"));
    await expect(old).rejects.toThrow("the signed payload is no in-toto statement: _type");
  });
});

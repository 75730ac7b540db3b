import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256Hex } from "../../../builders/contract/digest.ts";
import { openKeyPair } from "./key-file.ts";

let home = "";
let folder = "";
const path = (name: string) => join(folder, name);
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "key-file-"));
  folder = join(home, "state/keys");
});
afterEach(() => rm(home, { recursive: true }));

const pemOf = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();
const p256 = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
async function place(pem: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(path("signing.key"), pem, { mode: 0o600 });
}
async function passphrase(text: string): Promise<string> {
  await writeFile(join(home, "passphrase"), text, { mode: 0o600 });
  return join(home, "passphrase");
}

describe("a new key", () => {
  it("is ECDSA on P-256 in PKCS#8, its halves belong together, and only its owner can read it", async () => {
    const { privateKey, publicKey } = await openKeyPair({ folder });
    expect((await readdir(folder)).toSorted()).toEqual(["signing.key", "signing.pub"]);
    const pem = await readFile(path("signing.key"), "utf8");
    expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(createPrivateKey(pem).asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
    expect(privateKey.equals(createPrivateKey(pem))).toBe(true);
    const half = createPublicKey(pem);
    expect(await readFile(path("signing.pub"), "utf8")).toBe(half.export({ type: "spki", format: "pem" }));
    expect(publicKey.pem).toBe(half.export({ type: "spki", format: "pem" }));
    expect(publicKey.sha256).toBe(sha256Hex(half.export({ type: "spki", format: "der" })));
    expect((await stat(path("signing.key"))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });
  it("is the same the next time, and one for many at once", async () => {
    const opened = await Promise.all(Array.from({ length: 8 }, () => openKeyPair({ folder })));
    opened.push(await openKeyPair({ folder }));
    expect(new Set(opened.map(({ publicKey }) => publicKey.sha256)).size).toBe(1);
    expect((await readdir(folder)).toSorted()).toEqual(["signing.key", "signing.pub"]);
  });
  it("is encrypted if there is a passphrase, of which only the first line counts", async () => {
    const passphraseFile = await passphrase("correct horse\nnote to self\n");
    const { publicKey } = await openKeyPair({ folder, passphraseFile });
    const pem = await readFile(path("signing.key"), "utf8");
    expect(pem).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
    expect(createPrivateKey({ key: pem, passphrase: "correct horse" }).type).toBe("private");
    expect((await openKeyPair({ folder, passphraseFile })).publicKey.sha256).toBe(publicKey.sha256);
  });
});

describe("after a crash", () => {
  it("before the key has its name, a key is made; what lies beside it is not taken for one", async () => {
    await mkdir(folder, { recursive: true });
    await writeFile(path(".0123456789ab.tmp"), pemOf(p256()), { mode: 0o600 });
    const { publicKey } = await openKeyPair({ folder });
    expect((await openKeyPair({ folder })).publicKey.sha256).toBe(publicKey.sha256);
  });
  it("between the halves, the public one is written, and the key stays", async () => {
    await place(pemOf(p256()));
    const before = await readFile(path("signing.key"), "utf8");
    const { publicKey } = await openKeyPair({ folder });
    expect(await readFile(path("signing.key"), "utf8")).toBe(before);
    expect(await readFile(path("signing.pub"), "utf8")).toBe(publicKey.pem);
  });
});

describe("a key is refused", () => {
  const assertRefused = (message: RegExp, passphraseFile?: string) =>
    expect(openKeyPair({ folder, ...(passphraseFile === undefined ? {} : { passphraseFile }) })).rejects.toMatchObject({
      code: "KeyUnusable",
      exitCode: 4,
      message: expect.stringMatching(message),
    });

  it.each([0o640, 0o604, 0o620, 0o601])("that others may touch: mode %o", async (mode) => {
    await openKeyPair({ folder });
    await chmod(path("signing.key"), mode);
    await assertRefused(/signing\.key is open to others: its mode is 06\d\d, it must be 0600/);
  });
  it("whose public half is another key's, or none", async () => {
    await openKeyPair({ folder });
    await writeFile(path("signing.pub"), createPublicKey(p256()).export({ type: "spki", format: "pem" }));
    await assertRefused(/signing\.pub is not the public half of .*signing\.key/);
    for (const text of [
      "",
      "nonsense",
      pemOf(p256()),
      "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    ]) {
      await writeFile(path("signing.pub"), text);
      await assertRefused(/signing\.pub holds no public key in PEM/);
    }
  });
  it("whose private half is lost: none is made in its place", async () => {
    await openKeyPair({ folder });
    await rm(path("signing.key"));
    await assertRefused(/signing\.pub is there, but not the private half/);
    expect(await readdir(folder)).toEqual(["signing.pub"]);
  });
  it("that another passphrase opens, or none", async () => {
    const passphraseFile = await passphrase("right\n");
    await openKeyPair({ folder, passphraseFile });
    await assertRefused(/is encrypted and no passphrase was given/);
    await passphrase("wrong\n");
    await assertRefused(/the passphrase does not open .*signing\.key/, passphraseFile);
  });
  it("that is not encrypted, where a passphrase was given", async () => {
    await openKeyPair({ folder });
    await assertRefused(/is not encrypted, but a passphrase was given/, await passphrase("right\n"));
  });
  it("with a passphrase that is missing, empty or open to others; then none is made", async () => {
    await assertRefused(/passphrase holds no passphrase/, join(home, "passphrase"));
    await assertRefused(/passphrase holds no passphrase/, await passphrase("\nsecond line\n"));
    await chmod(await passphrase("right\n"), 0o644);
    await assertRefused(/passphrase is open to others: its mode is 0644/, join(home, "passphrase"));
    expect(await readdir(home)).toEqual(["passphrase"]);
  });
  it.each([
    ["ec secp384r1", generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey],
    ["ed25519", generateKeyPairSync("ed25519").privateKey],
    ["rsa", generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey],
  ])("of another kind: %s", async (kind, key) => {
    await place(pemOf(key));
    await assertRefused(new RegExp(`signing.key holds a key of kind ${kind}$`));
    expect(await readdir(folder)).toEqual(["signing.key"]);
  });
  it("of another form, or damaged", async () => {
    await place(p256().export({ type: "sec1", format: "pem" }).toString());
    await assertRefused(/holds no PKCS#8 key in PEM, but "EC PRIVATE KEY"/);
    await place("");
    await assertRefused(/holds no PKCS#8 key in PEM$/);
    const pem = pemOf(p256());
    await place(pem.replace(/\n(.{20})/, "\n"));
    await assertRefused(/signing\.key is damaged/);
  });
});

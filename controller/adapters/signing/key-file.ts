import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileOnce } from "../../../builders/host/files.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { readPrivateFile } from "./private-file.ts";
import { parsePublicKey, type PublicKey, publicKeyOf } from "./public-key.ts";

/** Where a key lies, and what opens it. */
export type KeyFileOptions = {
  /** holds signing.key (PKCS#8 in PEM, mode 0600) and signing.pub; made if missing */
  readonly folder: string;
  /**
   * file, mode 0600, whose first line opens signing.key, and encrypts it when it is made: PBES2 with AES-256 (RFC 8018).
   * Take a long random one: Node derives the key in few rounds (2048 of PBKDF2) and lets nobody choose more.
   */
  readonly passphraseFile?: string;
};

export type KeyPair = { readonly privateKey: KeyObject; readonly publicKey: PublicKey };

async function readPassphrase(path: string): Promise<string> {
  const [line = ""] = ((await readPrivateFile(path)) ?? "").split(/\r?\n/, 1);
  if (line !== "") return line;
  throw new ReleaseError("KeyUnusable", `${path} holds no passphrase`, "write the passphrase into its first line");
}

function parsePrivateKey(pem: string, path: string, passphrase: string | undefined): KeyObject {
  const [, label = ""] = /^-----BEGIN ([A-Z ]+)-----/.exec(pem.trimStart()) ?? [];
  if (label !== "PRIVATE KEY" && label !== "ENCRYPTED PRIVATE KEY") {
    throw new ReleaseError(
      "KeyUnusable",
      `${path} holds no PKCS#8 key in PEM${label === "" ? "" : `, but "${label}"`}`,
      'bring a file that begins with "-----BEGIN PRIVATE KEY-----": openssl pkcs8 -topk8 makes one',
    );
  }
  const encrypted = label === "ENCRYPTED PRIVATE KEY";
  if (encrypted !== (passphrase !== undefined)) {
    throw new ReleaseError(
      "KeyUnusable",
      encrypted
        ? `${path} is encrypted and no passphrase was given`
        : `${path} is not encrypted, but a passphrase was given`,
      encrypted
        ? "name the file that holds its passphrase"
        : "encrypt it with openssl pkcs8 -topk8, or name no file with a passphrase",
    );
  }
  try {
    return createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    throw new ReleaseError(
      "KeyUnusable",
      encrypted ? `the passphrase does not open ${path}` : `${path} is damaged`,
      encrypted ? "name the file with the passphrase that this key was encrypted with" : "bring it back from a backup",
      { cause: error },
    );
  }
}

function newPrivateKey(passphrase: string | undefined): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const encryption = passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase };
  return privateKey.export({ type: "pkcs8", format: "pem", ...encryption }).toString();
}

const readIfThere = (path: string): Promise<string | undefined> =>
  readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });

/**
 * The key pair of a folder, made on first use. The private half is written first and says what the public one is: after
 * a crash between the two the next call writes the other. Of several processes at once one makes the key, and all get it.
 * @throws ReleaseError KeyUnusable if the private half is open to others, lost, damaged, of another kind, or not opened
 *   by the passphrase; or if the public half is another key's
 */
export async function openKeyPair({ folder, passphraseFile }: KeyFileOptions): Promise<KeyPair> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "signing.key");
  const publicPath = join(folder, "signing.pub");
  const passphrase = passphraseFile === undefined ? undefined : await readPassphrase(passphraseFile);
  const published = await readIfThere(publicPath); // before the private half, which is never younger
  let pem = await readPrivateFile(path);
  if (pem === undefined) {
    if (published !== undefined) {
      throw new ReleaseError(
        "KeyUnusable",
        `${publicPath} is there, but not the private half, ${path}`,
        "bring it back from a backup; a new key, which no policy knows yet, is made once both are gone",
      );
    }
    await writeFileOnce(path, newPrivateKey(passphrase), 0o600);
    pem = (await readPrivateFile(path)) ?? "";
  }
  const privateKey = parsePrivateKey(pem, path, passphrase);
  const publicKey = publicKeyOf(privateKey, path);
  if (published === undefined) await writeFileOnce(publicPath, publicKey.pem);
  else if (parsePublicKey(published, publicPath).sha256 !== publicKey.sha256) {
    throw new ReleaseError(
      "KeyUnusable",
      `${publicPath} is not the public half of ${path}`,
      `find out which of them was replaced; if the private one is right, remove ${publicPath}: it is written anew`,
    );
  }
  return { privateKey, publicKey };
}

import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { ReleaseError } from "../../domain/errors.ts";
import { openHalves } from "./key-halves.ts";
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

/**
 * The key pair of a private key (PKCS#8 in PEM). `where` is how messages name what holds it.
 * @throws ReleaseError KeyUnusable if it is none, damaged, of another kind than P-256, or the passphrase does not open it
 */
export function readKeyPair(pem: string, where: string, passphrase?: string): KeyPair {
  const privateKey = parsePrivateKey(pem, where, passphrase);
  return { privateKey, publicKey: publicKeyOf(privateKey, where) };
}

function newPrivateKey(passphrase: string | undefined): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const encryption = passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase };
  return privateKey.export({ type: "pkcs8", format: "pem", ...encryption }).toString();
}

/**
 * The key pair of a folder, made on first use (see {@link openHalves}).
 * @throws ReleaseError KeyUnusable if a half is lost, open to others, damaged, another key's or of another kind, or if
 *   the passphrase does not open it
 */
export async function openKeyPair({ folder, passphraseFile }: KeyFileOptions): Promise<KeyPair> {
  const privatePath = join(folder, "signing.key");
  const publicPath = join(folder, "signing.pub");
  const passphrase = passphraseFile === undefined ? undefined : await readPassphrase(passphraseFile);
  return openHalves({
    privatePath,
    publicPath,
    create: async () => newPrivateKey(passphrase),
    open: async (pem) => readKeyPair(pem, privatePath, passphrase),
    publicText: ({ publicKey }) => publicKey.pem,
    belongs: (pem, { publicKey }) => parsePublicKey(pem, publicPath).sha256 === publicKey.sha256,
  });
}

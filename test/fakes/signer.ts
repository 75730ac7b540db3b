import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { ReleaseError } from "../../controller/domain/errors.ts";
import { Statement } from "../../controller/domain/statement.ts";
import type { BundleVerifier } from "../../controller/ports/bundle-verifier.ts";
import type { Signer } from "../../controller/ports/signer.ts";

const invalid = (message: string): ReleaseError => new ReleaseError("SignatureInvalid", message, "sign it again");

/**
 * A signer and its verifier: bundles say who signed what, and no two are the same, as with ECDSA. `files` are contents
 * that are signed without being on disk.
 */
export function fakeSigning(name = "local", files: Readonly<Record<string, string>> = {}) {
  let count = 0;
  const signed: string[] = [];
  const seal = (what: object): string => JSON.stringify({ signer: name, nonce: (count += 1), ...what });
  const open = (bundle: string): Record<string, unknown> => {
    const parsed: unknown = JSON.parse(bundle);
    if (typeof parsed !== "object" || parsed === null || !("signer" in parsed) || parsed.signer !== name) {
      throw invalid(`not signed by ${name}`);
    }
    return { ...parsed };
  };
  const content = async (path: string) => files[path] ?? (await readFile(path, "utf8"));
  const signer: Signer = {
    identity: { mode: "key", publicKey: `public key of ${name}`, keySha256: sha256Hex(name) },
    signFile: async (path, sha256) => {
      if (sha256Hex(await content(path)) !== sha256) throw new ReleaseError("InputDigestMismatch", path, "hash it");
      signed.push("file");
      return seal({ sha256 });
    },
    signStatement: async (statement) => {
      signed.push(statement.predicateType);
      return seal({ statement });
    },
  };
  const verifier: BundleVerifier = {
    verifyStatement: async (bundle) => {
      const { statement } = open(bundle);
      const parsed = Statement.safeParse(statement);
      if (!parsed.success) throw invalid("no statement in it");
      return { signer: name, statement: parsed.data };
    },
    verifyFile: async (bundle, path) => {
      const { sha256 } = open(bundle);
      if (sha256 !== sha256Hex(await content(path))) throw invalid("another file");
      return name;
    },
    verifyBytes: async (bundle, bytes) => {
      if (open(bundle)["sha256"] !== sha256Hex(await buffer(bytes))) throw invalid("other bytes");
      return name;
    },
  };
  return { signer, verifier, signed };
}

/** SHA-256 of a text that a test signs. */
export const demoHash = (text: string): string => sha256Hex(text);

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { PREDICATE, type Statement, STATEMENT_TYPE } from "../../controller/domain/statement.ts";
import type { BundleVerifier } from "../../controller/ports/bundle-verifier.ts";
import type { Signer } from "../../controller/ports/signer.ts";

export type Signing = { readonly signer: Signer; readonly verifier: BundleVerifier };

const signal = new AbortController().signal;
const STATEMENT: Statement = {
  _type: STATEMENT_TYPE,
  subject: [{ name: "amd64/raw/installer.img", digest: { sha256: sha256Hex("image") } }],
  predicateType: PREDICATE.release,
  predicate: { name: "é", list: [1, null] },
};

/** Every Signer and BundleVerifier keep these promises. `make` gives a signer and who trusts it, known as `id`. */
export function signingContract(name: string, make: (id: string) => Promise<Signing>): void {
  describe(`${name} signs and verifies`, () => {
    let folder = "";
    let image = "";
    let ours: Signing;
    let others: Signing;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "signing-"));
      image = join(folder, "disk.img");
      await writeFile(image, "image");
      ours = await make("ours");
      others = await make("others");
    });
    afterAll(() => rm(folder, { recursive: true }));
    const invalid = { code: "SignatureInvalid" };

    it("says who it is", () => {
      expect(ours.signer.identity.mode).toBe("key");
      expect(ours.signer.identity.keySha256).toMatch(/^[0-9a-f]{64}$/);
      expect(ours.signer.identity.keySha256).not.toBe(others.signer.identity.keySha256);
    });
    it("gives a statement back with its signer", async () => {
      const bundle = await ours.signer.signStatement(STATEMENT, signal);
      expect(await ours.verifier.verifyStatement(bundle)).toEqual({ signer: "ours", statement: STATEMENT });
    });
    it("knows a file and its signer", async () => {
      const bundle = await ours.signer.signFile(image, sha256Hex("image"), signal);
      expect(await ours.verifier.verifyFile(bundle, image, signal)).toBe("ours");
    });
    it("knows the same bytes as they come, and no others", async () => {
      const bundle = await ours.signer.signFile(image, sha256Hex("image"), signal);
      async function* pieces(...texts: string[]) {
        for (const text of texts) yield new TextEncoder().encode(text);
      }
      expect(await ours.verifier.verifyBytes(bundle, pieces("im", "age"))).toBe("ours");
      await expect(ours.verifier.verifyBytes(bundle, pieces("im", "agf"))).rejects.toMatchObject(invalid);
      const stranger = await others.signer.signFile(image, sha256Hex("image"), signal);
      await expect(ours.verifier.verifyBytes(stranger, pieces("image"))).rejects.toMatchObject(invalid);
    });
    it("signs no file of another digest", async () => {
      const signed = ours.signer.signFile(image, sha256Hex("other"), signal);
      await expect(signed).rejects.toMatchObject({ code: "InputDigestMismatch" });
    });
    it("refuses another file", async () => {
      const other = join(folder, "other.img");
      await writeFile(other, "other");
      const bundle = await ours.signer.signFile(image, sha256Hex("image"), signal);
      await expect(ours.verifier.verifyFile(bundle, other, signal)).rejects.toMatchObject(invalid);
    });
    it("refuses a stranger's", async () => {
      const file = await others.signer.signFile(image, sha256Hex("image"), signal);
      await expect(ours.verifier.verifyFile(file, image, signal)).rejects.toMatchObject(invalid);
      const statement = await others.signer.signStatement(STATEMENT, signal);
      await expect(ours.verifier.verifyStatement(statement)).rejects.toMatchObject(invalid);
    });
    it("takes neither kind for the other", async () => {
      const statement = await ours.signer.signStatement(STATEMENT, signal);
      await expect(ours.verifier.verifyFile(statement, image, signal)).rejects.toMatchObject(invalid);
      const file = await ours.signer.signFile(image, sha256Hex("image"), signal);
      await expect(ours.verifier.verifyStatement(file)).rejects.toMatchObject(invalid);
    });
    it.each(["", "{}", "null", "nonsense"])("refuses %j", async (bundle) => {
      await expect(ours.verifier.verifyStatement(bundle)).rejects.toMatchObject(invalid);
      await expect(ours.verifier.verifyFile(bundle, image, signal)).rejects.toMatchObject(invalid);
    });
  });
}

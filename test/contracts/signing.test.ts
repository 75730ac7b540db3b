import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { createBundleVerifier } from "../../controller/adapters/signing/bundle-verifier.ts";
import { openKeySigner } from "../../controller/adapters/signing/key-signer.ts";
import { signingContract } from "./signing-contract.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

signingContract("a key file", async (id) => {
  const signer = await openKeySigner({ folder: join(folder, id) });
  return { signer, verifier: createBundleVerifier({ signers: [{ ...signer.identity, id }], now: () => new Date() }) };
});

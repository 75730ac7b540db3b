import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBundleVerifier } from "../../controller/adapters/signing/bundle-verifier.ts";
import { openKeySigner } from "../../controller/adapters/signing/key-signer.ts";

// A disk image is signed and verified as a stream: memory does not grow with its size.
const GIB = 1024 ** 3;
const SHA256_OF_ZEROS = "49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14";
const MAX_GROWTH = 160 * 1024 ** 2; // chunks that wait for the garbage collector; the file is seven times as large

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "signing-memory-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("signing and verifying 1 GiB takes a small part of it in memory", async () => {
  const path = join(folder, "disk.img");
  await using file = await open(path, "w");
  await file.truncate(GIB);
  const signer = await openKeySigner({ folder: join(folder, "keys") });
  const verifier = createBundleVerifier({ signers: [{ id: "prod", ...signer.identity }], now: () => new Date() });
  const signal = new AbortController().signal;
  const before = process.resourceUsage().maxRSS;
  const bundle = await signer.signFile(path, SHA256_OF_ZEROS, signal);
  expect(await verifier.verifyFile(bundle, path, signal)).toBe("prod");
  const growth = (process.resourceUsage().maxRSS - before) * 1024;
  expect(growth).toBeLessThan(MAX_GROWTH);
});

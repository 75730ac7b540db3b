import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createFsverity } from "./fsverity.ts";

type Options = Parameters<typeof createFsverity>[0];

/** The byte pattern of fsverity-utils' own test program (programs/test_compute_digest.c). */
const pattern = (size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => (i % 11) + (i % 439) + (i % 1103));
const zeros = (size: number): Uint8Array => new Uint8Array(size);

function measure(data: Uint8Array, options?: Options, step = 65_536) {
  const hasher = createFsverity(options);
  for (let at = 0; at < data.length; at += step) hasher.update(data.subarray(at, at + step));
  return hasher.finish();
}

/** The definition, written the slow way: all of one level, then all of the next. */
function byDefinition(data: Uint8Array, blockSize: number, salt: Uint8Array): { digest: string; rootHash: string } {
  const paddedSalt = Buffer.alloc(salt.length === 0 ? 0 : 64);
  paddedSalt.set(salt);
  let level: Uint8Array = data;
  let root: Uint8Array = Buffer.alloc(32);
  while (level.length > 0) {
    const hashes: Buffer[] = [];
    for (let at = 0; at < level.length; at += blockSize) {
      const block = Buffer.alloc(blockSize);
      block.set(level.subarray(at, at + blockSize));
      hashes.push(createHash("sha256").update(paddedSalt).update(block).digest());
    }
    level = hashes.length === 1 ? new Uint8Array(0) : Buffer.concat(hashes);
    root = hashes[0] ?? root;
  }
  const descriptor = Buffer.alloc(256);
  descriptor.set([1, 1, Math.log2(blockSize), salt.length]);
  descriptor.writeUInt32LE(data.length, 8);
  descriptor.set(root, 16);
  descriptor.set(salt, 80);
  const digest = createHash("sha256").update(descriptor).digest("hex");
  return { digest: `sha256:${digest}`, rootHash: `sha256:${Buffer.from(root).toString("hex")}` };
}

describe("vectors of fsverity-utils", () => {
  const salt = Buffer.from("abcd");
  test.each<[string, Uint8Array, Options, string]>([
    ["1000000", pattern(1_000_000), {}, "48df0c462329cd879661bd05b39aa81b05cc16afd27a7196a559da83531d39d9"],
    ["100000", pattern(100_000), {}, "f2096a36c5cdca4fa33ee8852833150bb324992e5417a9d571f1bffff73b9efc"],
    ["4096", pattern(4096), {}, "6ac39979016e3ddf3d39fff6cb984f7c118acdf1852919f5c100c4b142c1818e"],
    ["1", pattern(1), {}, "b803429503d95915829b29fdbc8bbad142f3abfd11b1cadf5526582e685c0551"],
    ["0", pattern(0), {}, "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"],
    ["1000000, salt", pattern(1_000_000), { salt }, "917900b0d299454aa304d5debc6f39e4af7b5abe33bdbc568d5d8f1e5c4d8652"],
    [
      "1000000, 1024",
      pattern(1_000_000),
      { blockSize: 1024 },
      "e9df927c14fcb961d5f51c666d8ae4c14fe4ff98a374c733e898d00c9e74a8e3",
    ],
    [
      "1000000, 512",
      pattern(1_000_000),
      { blockSize: 512 },
      "0393ee3dfd4a28966e2af4e07cfa5b032c30da5bb8e8ef63b9a55bf963262334",
    ],
    [
      "1000000, 65536",
      pattern(1_000_000),
      { blockSize: 65_536 },
      "f3b6418f26d4d0e74728193bae76f15cb4bb2ce9777448d76bd8138b69ec61c2",
    ],
    [
      "zeros 100000, 1024",
      zeros(100_000),
      { blockSize: 1024 },
      "09cbbaeed2a04c2da242c10e1568d96f358a16aa1ebe8cf0286120c13c9366d1",
    ],
  ])("%s", (_name, data, options, digest) => {
    expect(measure(data, options).digest).toBe(`sha256:${digest}`);
    expect(measure(data, options).size).toBe(data.length);
  });
});

describe("borders of the tree's levels, as `fsverity digest` prints them", () => {
  const rootOf4097Zeros = "90b10db56173e2e7c847f6ff3ed85a3aebb140bc0064ec9a156ae5b2e71db988";
  test.each<[string, Uint8Array, string, string?]>([
    [
      "zeros 4095",
      zeros(4095),
      "5372beb83c78537c8970c8361e3254119fafdf1763854ecd57d3f0fe2da7c719",
      "ad7facb2586fc6e966c004d7d1d16b024f5805ff7cb47c7a85dabd8b48892ca7",
    ],
    ["zeros 4097", zeros(4097), "093756e4ea9683329106d4a16982682ed182c14bf076463a9e7f97305cbac743", rootOf4097Zeros],
    ["zeros 8192", zeros(8192), "be54121da3877f8852c65136d731784f134c4dd9d95071502e80d7be9f99b263", rootOf4097Zeros],
    ["zeros 524288", zeros(524_288), "2d15bd7832895de85aa3d5bdfb57251e27bbec75ff467408340ab3eba858a2e1"],
    ["zeros 524289", zeros(524_289), "e4143a5705610b7ad2eb85482cfc033c7062a89b9faf9118603f592d53fd10e0"],
    ["zeros 67108864", zeros(67_108_864), "382b8844ad09fb5f7b53e0fc27413cd4e72f47d69604dac5d4865e609ba33c53"],
    ["zeros 67108865", zeros(67_108_865), "be5993679f703697692cc6ce69e480edc9721baff591795438ae8097275c0687"],
    ["pattern 4097", pattern(4097), "e730e89ad732bee23a7a2398c83b3e1d5f403b09b7b7bd9ec4e46af8101652f3"],
    ["pattern 524288", pattern(524_288), "318d7f64c1db10a983346f0c101c5b0fd2cb0e0c3d4e88df0320edf9990bdda4"],
    ["pattern 524289", pattern(524_289), "e21e7d7f576f210094c3a6ea78b021f036633f2a06119fee987f79ac6dd30cf1"],
  ])("%s", (_name, data, digest, root) => {
    const { digest: found, rootHash } = measure(data);
    expect(found).toBe(`sha256:${digest}`);
    if (root !== undefined) expect(rootHash).toBe(`sha256:${root}`);
  });

  test("an empty file has a root of zeros", () => {
    expect(measure(zeros(0)).rootHash).toBe(`sha256:${"0".repeat(64)}`);
  });
});

test("any data, cut anywhere, at any block size and salt, agrees with the definition", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.uint8Array({ maxLength: 700 }), fc.integer({ min: 0, max: 900 }).map(zeros)), {
        maxLength: 12,
      }),
      fc.constantFrom(64, 128, 256, 1024),
      fc.uint8Array({ maxLength: 32 }),
      (chunks, blockSize, salt) => {
        const hasher = createFsverity({ blockSize, salt });
        for (const chunk of chunks) {
          const lent = chunk.slice();
          hasher.update(lent);
          lent.fill(0xff); // the caller reuses its buffer
        }
        const data = Buffer.concat(chunks);
        expect(hasher.finish()).toEqual({ ...byDefinition(data, blockSize, salt), size: data.length });
      },
    ),
  );
});

test("refuses what fs-verity does not have", () => {
  expect(() => createFsverity({ blockSize: 4095 })).toThrow(/power of two from 64 to 65536, not 4095/);
  expect(() => createFsverity({ blockSize: 32 })).toThrow(RangeError);
  expect(() => createFsverity({ blockSize: 131_072 })).toThrow(RangeError);
  expect(() => createFsverity({ salt: new Uint8Array(33) })).toThrow(/at most 32 bytes, not 33/);
});

test("refuses use after the end", () => {
  const hasher = createFsverity();
  hasher.finish();
  expect(() => hasher.update(zeros(1))).toThrow(/after finish/);
  expect(() => hasher.finish()).toThrow(/twice/);
});

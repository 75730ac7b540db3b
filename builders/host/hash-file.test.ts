import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFsverity } from "../contract/fsverity.ts";
import { CHUNK_BYTES } from "./files.ts";
import { hashFile } from "./hash-file.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-hash-"));
});
afterAll(() => rm(folder, { recursive: true }));

test.each([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 4097])(
  "one pass over %i bytes gives what separate passes give",
  async (size) => {
    const data = randomBytes(size);
    const path = join(folder, `${size}`);
    await writeFile(path, data);
    const blocks = createFsverity();
    blocks.update(data);
    const { digest, rootHash } = blocks.finish();
    expect(await hashFile(path)).toEqual({
      sha256: createHash("sha256").update(data).digest("hex"),
      sizeBytes: size,
      fsverity: { digest, rootHash },
    });
  },
);

test("the fs-verity digest is the one with 4096-byte blocks and no salt", async () => {
  const path = join(folder, "zeros");
  await writeFile(path, new Uint8Array(524_289));
  expect((await hashFile(path)).fsverity.digest).toBe(
    "sha256:e4143a5705610b7ad2eb85482cfc033c7062a89b9faf9118603f592d53fd10e0",
  );
});

test("a file that is not there, or not a file, is an error", async () => {
  await expect(hashFile(join(folder, "absent"))).rejects.toMatchObject({ code: "ENOENT" });
  await expect(hashFile(folder)).rejects.toMatchObject({ code: "EISDIR" });
});

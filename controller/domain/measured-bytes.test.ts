import { expect, it } from "vitest";
import { measuredBytes } from "./measured-bytes.ts";

it("measures bytes as they pass, in chunks of any size", async () => {
  async function* zeros() {
    for (const length of [1, 4000, 96]) yield new Uint8Array(length);
  }
  const { bytes, result } = measuredBytes(zeros());
  let passed = 0;
  for await (const chunk of bytes) passed += chunk.byteLength;
  expect(passed).toBe(4097);
  // fsverity digest of 4097 zeros (fsverity-utils 1.5)
  const fsverityDigest = "sha256:093756e4ea9683329106d4a16982682ed182c14bf076463a9e7f97305cbac743";
  expect(result()).toEqual({ sizeBytes: 4097, fsverityDigest });
});

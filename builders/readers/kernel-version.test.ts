import { describe, expect, test } from "vitest";
import { kernelVersion } from "./kernel-version.ts";
import { bytesAccess } from "./random-access.ts";

const version = (bytes: Uint8Array) => kernelVersion(bytesAccess("kernel", bytes));

/** An x86 kernel's header that points to this version string. */
function x86(text: string): Buffer {
  const bytes = Buffer.alloc(4096);
  bytes.write("HdrS", 0x202);
  bytes.writeUInt16LE(0x800, 0x20e);
  bytes.write(text, 0xa00);
  return bytes;
}

/** An arm64 kernel with a banner at this place. */
function arm64(at: number, text: string): Buffer {
  const bytes = Buffer.alloc(700_000);
  bytes.write("ARMd", 56);
  bytes.write(text, at);
  return bytes;
}

describe("the version of a kernel", () => {
  test("stands in an x86 one's header", async () => {
    expect(await version(x86("6.12.117+deb13-amd64 (debian@host) #1 SMP\0"))).toBe("6.12.117+deb13-amd64");
    expect(await version(x86(""))).toBeNull();
    expect(await version(x86("garbage"))).toBeNull();
  });
  test.each([1000, 256 * 1024 - 3, 256 * 1024 - 20, 512 * 1024 - 40])(
    "stands in an arm64 one's banner, at %d",
    async (at) => {
      expect(await version(arm64(at, "Linux version 6.12.48+deb13-arm64 (a@b) (gcc)\n"))).toBe("6.12.48+deb13-arm64");
    },
  );
  test("is not the template of a banner", async () => {
    expect(await version(arm64(5000, "Linux version %s (a@b)"))).toBeNull();
  });
  test("is not in anything else", async () => {
    expect(await version(Buffer.from("Linux version 6.1.0 (a@b)"))).toBeNull();
    expect(await version(new Uint8Array(0))).toBeNull();
  });
});

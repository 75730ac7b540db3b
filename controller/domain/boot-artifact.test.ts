import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KERNEL_HEADER_BYTES, kernelArch, kernelParameter, parseSums } from "./boot-artifact.ts";

const header = (text: string, offset: number): Uint8Array => {
  const bytes = new Uint8Array(KERNEL_HEADER_BYTES);
  bytes.set(new TextEncoder().encode(text), offset);
  return bytes;
};

describe("kernelArch", () => {
  it("reads the boot headers of both kernels, and nothing else", () => {
    expect(kernelArch(header("HdrS", 0x202))).toBe("amd64");
    expect(kernelArch(header("ARM\x64", 56))).toBe("arm64");
    expect(kernelArch(header("HdrS", 0x201))).toBeNull();
    expect(kernelArch(new Uint8Array(10))).toBeNull();
  });
});

describe("kernelParameter", () => {
  it("takes the last value, and no longer name's", () => {
    expect(kernelParameter("a=1 xa=2 a=3\n", "a")).toBe("3");
    expect(kernelParameter("quiet xa=2", "a")).toBeNull();
    expect(kernelParameter("a=b=c", "a")).toBe("b=c");
  });
});

describe("parseSums", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/);
  it("reads what sha256sum writes", () => {
    fc.assert(
      fc.property(fc.dictionary(name, fc.stringMatching(/^[0-9a-f]{64}$/)), (files) => {
        const text = Object.entries(files).map(([file, hash]) => `${hash}  ${file}\n`);
        expect(Object.fromEntries(parseSums(text.join("")))).toEqual(files);
      }),
    );
  });
  it("refuses names elsewhere and lines that are none", () => {
    const hash = "a".repeat(64);
    for (const line of [`${hash}  ../x`, `${hash}  ..`, `${hash}  a/b`, `${hash} x`, `${hash.slice(1)}  x`, "x"]) {
      expect(() => parseSums(`${hash}  ok\n${line}\n`), line).toThrow("SHA256SUMS, line 2");
    }
  });
});

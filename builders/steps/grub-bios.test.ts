import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bootSector, placedCore } from "./grub-bios.ts";

/** What the patched places of GRUB's boot.img look like; the rest is code. */
function bootImage(code = 0x11): Buffer {
  const image = Buffer.alloc(512, code);
  image.writeUInt16LE(0x63eb, 0);
  image[0x66] = 0xeb;
  image[0x67] = 0x05;
  image.writeUInt16LE(0xaa55, 0x1fe);
  return image;
}

/** A core.img of this many bytes, its block list as grub-mkimage leaves it. */
function coreImage(bytes: number): Buffer {
  const image = Buffer.alloc(bytes, 0x22);
  image.writeUInt16LE(0x820, 510);
  return image;
}

describe("bootSector", () => {
  const mbr = Buffer.from(Array.from({ length: 512 }, (_, index) => index % 251));

  it("keeps the partition table, the disk's signature and the parameter block", () => {
    const sector = bootSector(bootImage(), mbr, 2048);
    expect(sector.subarray(0x1b8, 0x1fe)).toEqual(mbr.subarray(0x1b8, 0x1fe));
    expect(sector.subarray(0x03, 0x5a)).toEqual(mbr.subarray(0x03, 0x5a));
    expect(sector.readUInt16LE(0x1fe)).toBe(0xaa55);
  });
  it("says where core.img starts, lets the drive check run, and is boot.img otherwise", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 40n }), (start) => {
        const boot = bootImage();
        const sector = bootSector(boot, mbr, Number(start));
        expect(sector.readBigUInt64LE(0x5c)).toBe(start);
        expect(sector.readUInt16LE(0x66)).toBe(0x9090);
        expect(sector.subarray(0, 3)).toEqual(boot.subarray(0, 3));
        expect(sector.subarray(0x64, 0x66)).toEqual(boot.subarray(0x64, 0x66));
        expect(sector.subarray(0x68, 0x1b8)).toEqual(boot.subarray(0x68, 0x1b8));
      }),
    );
  });
  it("refuses what is not GRUB's boot.img", () => {
    expect(() => bootSector(Buffer.alloc(511), mbr, 1)).toThrow("511 bytes, not 512");
    const unsigned = bootImage();
    unsigned.fill(0, 0x1fe);
    expect(() => bootSector(unsigned, mbr, 1)).toThrow("no boot signature");
    const checked = bootImage();
    checked[0x66] = 0x90;
    expect(() => bootSector(checked, mbr, 1)).toThrow("no drive check");
  });
});

describe("placedCore", () => {
  it("loads everything behind its first sector, padded to whole sectors", () => {
    fc.assert(
      fc.property(fc.integer({ min: 513, max: 200_000 }), fc.integer({ min: 34, max: 1_000_000 }), (bytes, start) => {
        const image = coreImage(bytes);
        const core = placedCore(image, start, 2048);
        expect(core.length % 512).toBe(0);
        expect(core.readBigUInt64LE(500)).toBe(BigInt(start + 1));
        expect(core.readUInt16LE(508)).toBe(core.length / 512 - 1);
        expect(core.readUInt16LE(510)).toBe(0x820);
        expect(core.subarray(0, 500).equals(image.subarray(0, 500))).toBe(true);
        expect(core.subarray(512, bytes).equals(image.subarray(512))).toBe(true);
        expect(core.subarray(bytes).every((byte) => byte === 0)).toBe(true);
      }),
    );
  });
  it("refuses one that does not fit, is no core.img, or loads itself elsewhere", () => {
    expect(() => placedCore(coreImage(2048 * 512 + 1), 2048, 2048)).toThrow("has 2049 sectors");
    expect(() => placedCore(coreImage(512), 2048, 2048)).toThrow("less than two sectors");
    expect(() => placedCore(Buffer.alloc(2048), 2048, 2048)).toThrow("segment 0, not 2080");
  });
});

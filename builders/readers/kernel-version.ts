import { passingPieces, type RandomAccess } from "./random-access.ts";

/** Linux Documentation/arch/x86/boot.rst: the header's mark, and where it tells of its version string. */
const X86 = { markAt: 0x202, mark: "HdrS", pointerAt: 0x20e, base: 0x200 } as const;
const VERSION_BYTES = 128;
/** How an uncompressed kernel starts its banner (Linux init/version.c): `Linux version 6.12.1 (user@host) …`. */
const BANNER = /Linux version ([0-9]+\.[0-9][A-Za-z0-9.+~_-]*) /;
const BANNER_BYTES = 256;
const VERSION = /^[0-9]+\.[0-9][A-Za-z0-9.+~_-]*/;

async function textAt(image: RandomAccess, offset: number, length: number): Promise<string> {
  if (offset >= image.size) return "";
  const bytes = await image.readAt(offset, Math.min(length, image.size - offset));
  return Buffer.from(bytes).toString("latin1").split("\0", 1)[0] ?? "";
}

/** The version in the first banner of the image. */
async function bannerVersion(image: RandomAccess): Promise<string | null> {
  let text = "";
  for await (const { bytes } of passingPieces(image)) {
    text += Buffer.from(bytes).toString("latin1");
    const version = BANNER.exec(text)?.[1];
    if (version !== undefined) return version;
    text = text.slice(-BANNER_BYTES); // a banner may lie on both sides of the border
  }
  return null;
}

/**
 * What `uname -r` of a kernel image will print: out of the header of an x86 bzImage, or out of the banner of an
 * uncompressed one such as arm64's Image; null for anything else.
 */
export async function kernelVersion(image: RandomAccess): Promise<string | null> {
  if ((await textAt(image, X86.markAt, X86.mark.length)) === X86.mark) {
    const pointer = Buffer.from(await image.readAt(X86.pointerAt, 2)).readUInt16LE();
    return VERSION.exec(await textAt(image, X86.base + pointer, VERSION_BYTES))?.[0] ?? null;
  }
  const isArm = (await textAt(image, 56, 4)) === "ARMd"; // Linux Documentation/arch/arm64/booting.rst
  return isArm ? bannerVersion(image) : null;
}

const POLYNOMIAL = 0x82f63b78; // Castagnoli, reflected (RFC 3720, appendix B.4)

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ POLYNOMIAL;
  return value >>> 0;
});

/** CRC-32C as the kernel's file systems use it: continued from `seed`, without the inversion at the end. */
export function crc32c(bytes: Uint8Array, seed = 0xffff_ffff): number {
  let crc = seed >>> 0;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0);
  return crc >>> 0;
}

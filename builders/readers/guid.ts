const grouped = (hex: string): string =>
  [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");

/** A UUID whose 16 bytes stand in order, as file systems store it (RFC 9562, 4). */
export const uuidText = (bytes: Uint8Array): string => grouped(Buffer.from(bytes).toString("hex"));

/** A GUID in lower case, its first three groups little endian, as EFI stores it (UEFI 2.10, appendix A). */
export function guidText(bytes: Uint8Array): string {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  return grouped(Buffer.from(order.map((at) => bytes[at] ?? 0)).toString("hex"));
}

import { createHash } from "node:crypto";

type Packet = { readonly tag: number; readonly body: Uint8Array };

const PUBLIC_KEY = 6;

const broken = (at: number, why: string): SyntaxError =>
  new SyntaxError(`not an OpenPGP keyring: ${why} at byte ${at}`);

/** One packet (RFC 9580, 4.2) and where the next begins. */
function readPacket(data: DataView, at: number): { packet: Packet; next: number } {
  const header = data.getUint8(at);
  if ((header & 0x80) === 0) throw broken(at, "no packet begins");
  const isNew = (header & 0x40) !== 0;
  const { length, body } = isNew ? newLength(data, at + 1) : oldLength(data, at + 1, header & 3);
  if (body + length > data.byteLength) throw broken(at, "a packet ends behind the file");
  const tag = isNew ? header & 0x3f : (header >> 2) & 0x0f;
  return {
    packet: { tag, body: new Uint8Array(data.buffer, data.byteOffset + body, length) },
    next: body + length,
  };
}

/** Packet length of the OpenPGP format (4.2.1). Partial lengths are for streams: no key packet has them. */
function newLength(data: DataView, at: number): { length: number; body: number } {
  const first = data.getUint8(at);
  if (first < 192) return { length: first, body: at + 1 };
  if (first < 224) return { length: ((first - 192) << 8) + data.getUint8(at + 1) + 192, body: at + 2 };
  if (first === 255) return { length: data.getUint32(at + 1), body: at + 5 };
  throw broken(at, "a partial length stands");
}

/** Packet length of the legacy format (4.2.2). */
function oldLength(data: DataView, at: number, type: number): { length: number; body: number } {
  if (type === 0) return { length: data.getUint8(at), body: at + 1 };
  if (type === 1) return { length: data.getUint16(at), body: at + 2 };
  if (type === 2) return { length: data.getUint32(at), body: at + 4 };
  throw broken(at, "an indeterminate length stands");
}

/** SHA-1 over 0x99, the body's length and the body (RFC 9580, 5.5.4.2), in upper-case hex. */
function fingerprint(body: Uint8Array, at: number): string {
  if (body[0] !== 4) throw broken(at, `a public key of version ${body[0]} stands, only version 4 is known`);
  const prefix = Uint8Array.of(0x99, body.length >> 8, body.length & 0xff);
  return createHash("sha1").update(prefix).update(body).digest("hex").toUpperCase();
}

/**
 * Fingerprints of the primary keys of a binary (not armoured) OpenPGP keyring, in order, as `gpg --list-keys` prints
 * them. Subkeys, names and signatures are skipped.
 * @throws SyntaxError if it is no such keyring, or has a primary key of another version than 4
 */
export function primaryFingerprints(keyring: Uint8Array): string[] {
  const data = new DataView(keyring.buffer, keyring.byteOffset, keyring.byteLength);
  const found: string[] = [];
  for (let at = 0; at < data.byteLength; ) {
    let read: ReturnType<typeof readPacket>;
    try {
      read = readPacket(data, at);
    } catch (error) {
      if (error instanceof RangeError) throw broken(at, "a packet header is cut off");
      throw error;
    }
    if (read.packet.tag === PUBLIC_KEY) found.push(fingerprint(read.packet.body, at));
    at = read.next;
  }
  return found;
}

import { createHash, generateKeyPairSync, sign } from "node:crypto";

/** A throwaway OpenPGP key that signs as gpg would, so that tests need no gpg on the machine. */
export type SigningKey = {
  /** public keyring, binary, with the key's name and self-signature */
  readonly keyring: Buffer;
  /** a cleartext message (RFC 9580, 7) of `text`, whose lines must not begin with a hyphen */
  readonly clearSign: (text: string) => string;
};

const ED25519_LEGACY = 22;
const SHA256 = 8;
/** 1.3.6.1.4.1.11591.15.1, the curve's name in version 4 keys (RFC 9580, 9.2) */
const CURVE = Buffer.from("092b06010401da470f01", "hex");

const uint16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
const uint32 = (value: number): Buffer =>
  Buffer.of(value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff);

/** A multiprecision integer (3.2): its length in bits, then its bytes without leading zeros. */
function mpi(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const significant = Buffer.from(bytes.subarray(Math.max(start, 0)));
  return Buffer.concat([uint16((significant.length - 1) * 8 + 32 - Math.clz32(significant[0] ?? 0)), significant]);
}

const packet = (tag: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.of(0xc0 | tag, 255), uint32(body.length), body]);
const subpacket = (type: number, body: Buffer): Buffer => Buffer.concat([Buffer.of(body.length + 1, type), body]);

/** CRC-24 of RFC 9580, 6.1. */
function crc24(data: Uint8Array): Buffer {
  let crc = 0xb704ce;
  for (const byte of data) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ ((crc & 0x800000) === 0 ? 0 : 0x1864cfb);
    crc &= 0xffffff;
  }
  return uint32(crc).subarray(1);
}

const armor = (data: Buffer): string => {
  const lines = data.toString("base64").match(/.{1,64}/g) ?? [];
  const crc = crc24(data).toString("base64");
  return `-----BEGIN PGP SIGNATURE-----\n\n${lines.join("\n")}\n=${crc}\n-----END PGP SIGNATURE-----\n`;
};

/** Makes a key; `name` is its user ID, `created` in seconds since 1970. */
export function makeSigningKey(name: string, created = 1_700_000_000): SigningKey {
  const pair = generateKeyPairSync("ed25519");
  const point = Buffer.from(pair.publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const body = Buffer.concat([
    Buffer.of(4),
    uint32(created),
    Buffer.of(ED25519_LEGACY),
    CURVE,
    mpi(Buffer.concat([Buffer.of(0x40), point])),
  ]);
  const hashedKey = Buffer.concat([Buffer.of(0x99), uint16(body.length), body]);
  const fingerprint = createHash("sha1").update(hashedKey).digest();

  const signature = (type: number, content: Buffer, time: number, extra: readonly Buffer[]): Buffer => {
    const hashed = Buffer.concat([
      subpacket(2, uint32(time)),
      subpacket(33, Buffer.concat([Buffer.of(4), fingerprint])),
      ...extra,
    ]);
    const start = Buffer.concat([Buffer.of(4, type, ED25519_LEGACY, SHA256), uint16(hashed.length), hashed]);
    const trailer = Buffer.concat([start, Buffer.of(4, 0xff), uint32(start.length)]);
    const digest = createHash("sha256").update(content).update(trailer).digest();
    const made = sign(null, digest, pair.privateKey);
    const issuer = subpacket(16, fingerprint.subarray(12));
    return packet(
      2,
      Buffer.concat([
        start,
        uint16(issuer.length),
        issuer,
        digest.subarray(0, 2),
        mpi(made.subarray(0, 32)),
        mpi(made.subarray(32)),
      ]),
    );
  };

  const userId = Buffer.from(name);
  const hashedName = Buffer.concat([hashedKey, Buffer.of(0xb4), uint32(userId.length), userId]);
  const certifies = subpacket(27, Buffer.of(0x03)); // this key may certify and sign
  return {
    keyring: Buffer.concat([packet(6, body), packet(13, userId), signature(0x13, hashedName, created, [certifies])]),
    clearSign: (text) => {
      const lines = text.trimEnd().split("\n");
      const canonical = lines.map((line) => line.trimEnd()).join("\r\n");
      const made = signature(0x01, Buffer.from(canonical), created + 1, []);
      return `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${lines.join("\n")}\n${armor(made)}`;
    },
  };
}

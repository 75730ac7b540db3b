import type { Location } from "../contract/location.ts";

/** A field of a record, its place counted from the record's start. */
export type Field<Name extends string = string> = {
  readonly name: Name;
  readonly offset: number;
  readonly length: number;
};

/** A record of fixed layout. One table serves both to read it and to name the byte that differs. */
export type Structure<Name extends string = string> = {
  readonly bytes: number;
  readonly endian: "little" | "big";
  readonly fields: readonly Field<Name>[];
};

/** The record whose fields follow each other without gaps, each `[name, bytes]`. */
export function structure<const Parts extends readonly (readonly [name: string, length: number])[]>(
  parts: Parts,
  endian: "little" | "big" = "little",
): Structure<Parts[number][0]> {
  let bytes = 0;
  const fields: Field<Parts[number][0]>[] = [];
  for (const [name, length] of parts) {
    fields.push({ name, offset: bytes, length });
    bytes += length;
  }
  return { bytes, endian, fields };
}

/** The values of one record. */
export type Decoded<Name extends string> = {
  /** an unsigned number of at most 8 bytes; beyond 2^53 it is not exact, and larger than any size */
  readonly number: (name: Name) => number;
  readonly bytes: (name: Name) => Buffer;
  /** up to the first NUL, as UTF-8 */
  readonly text: (name: Name) => string;
};

/**
 * Reads a record from bytes that hold all of it.
 * @throws RangeError if `bytes` is shorter than the record
 */
export function decode<Name extends string>(layout: Structure<Name>, bytes: Uint8Array): Decoded<Name> {
  if (bytes.length < layout.bytes) throw new RangeError(`${bytes.length} bytes for a record of ${layout.bytes}`);
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, layout.bytes);
  const field = (name: Name): Buffer => {
    const found = layout.fields.find((one) => one.name === name);
    if (found === undefined) throw new RangeError(`no field ${name}`);
    return view.subarray(found.offset, found.offset + found.length);
  };
  const number = (name: Name): number => {
    const value = field(name);
    if (value.length <= 6) {
      return layout.endian === "little" ? value.readUIntLE(0, value.length) : value.readUIntBE(0, value.length);
    }
    return Number(layout.endian === "little" ? value.readBigUInt64LE() : value.readBigUInt64BE());
  };
  const text = (name: Name): string => {
    const value = field(name);
    const end = value.indexOf(0);
    return value.subarray(0, end < 0 ? value.length : end).toString("utf8");
  };
  return { number, bytes: field, text };
}

/** The way to byte `at` of a record: the record, then the field. Behind its last field only the record is named. */
export function locateInStructure(name: string, layout: Structure, at: number): Location[] {
  const field = layout.fields.find((one) => at >= one.offset && at < one.offset + one.length);
  const record: Location = { kind: "structure", name, offset: at };
  return field === undefined ? [record] : [record, { kind: "field", name: field.name, offset: at - field.offset }];
}

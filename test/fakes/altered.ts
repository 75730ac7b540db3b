import type { Structure } from "../../builders/readers/structure.ts";

/** A copy of `bytes` with others written over it. */
export function altered(bytes: Uint8Array, ...changes: readonly (readonly [at: number, hex: string])[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const [at, hex] of changes) copy.set(Buffer.from(hex.replaceAll(" ", ""), "hex"), at);
  return copy;
}

/** Where a field of a record starts. */
export function placeOf<Name extends string>(layout: Structure<Name>, name: NoInfer<Name>): number {
  const field = layout.fields.find((one) => one.name === name);
  if (field === undefined) throw new RangeError(`no field ${name}`);
  return field.offset;
}

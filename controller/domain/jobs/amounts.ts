/** Factors of a quantity's suffixes (kubernetes.io, API reference, "Quantity"). */
const FACTORS: Readonly<Record<string, number>> = {
  m: 1 / 1000,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/**
 * A quantity as the class writes it (cluster-fields.ts) in bytes or cores.
 * @throws RangeError for a text that is none: the class's schema has checked it
 */
export function amountOf(text: string): number {
  const [, digits, suffix = ""] = /^([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(text) ?? [];
  const factor = FACTORS[suffix];
  if (digits === undefined || factor === undefined) throw new RangeError(`${text} is no quantity`);
  return Number(digits) * factor;
}

const MEBI = 2 ** 20;

/** Bytes as a quantity, in whole MiB, rounded up. */
export const mebibytes = (bytes: number): string => `${Math.ceil(bytes / MEBI)}Mi`;

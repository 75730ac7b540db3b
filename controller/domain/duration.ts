const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * A length of time as documents write it (cluster-fields.ts), `90m`, in seconds.
 * @throws RangeError for a text that is none: the document's schema has checked it
 */
export function secondsOf(text: string): number {
  const [, digits, unit = ""] = /^([1-9][0-9]{0,5})([smhd])$/.exec(text) ?? [];
  const factor = SECONDS[unit];
  if (digits === undefined || factor === undefined) throw new RangeError(`${text} is no duration`);
  return Number(digits) * factor;
}

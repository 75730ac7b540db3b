const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a length of time as documents write it, `90m` (cluster-fields.ts). Throws RangeError for another form. */
export function durationMs(text: string): number {
  const [, count, unit = ""] = /^([1-9][0-9]*)([smhd])$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (count === undefined || factor === undefined) throw new RangeError(`${text} is no duration`);
  return Number(count) * factor;
}

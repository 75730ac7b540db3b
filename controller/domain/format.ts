const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** A size as people read it, in powers of 1024: `0 B`, `812 B`, `4.0 KiB`, `73.2 MiB`. `bytes` is not negative. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // what would round to 1024.0 belongs to the next unit
  while (unit < UNITS.length - 1 && value >= (unit === 0 ? 1023.5 : 1023.95)) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** A duration as people read it: `0.4 s`, `59.9 s`, `1 m 05 s`, `2 h 03 m`. `seconds` is not negative. */
export function formatSeconds(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const pad = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
  const minutes = Math.floor(whole / 60);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} m`;
}

/**
 * Text of other programs as one harmless line: no escape sequences, no control, formatting or line break characters,
 * single spaces.
 */
export const oneLine = (text: string): string =>
  text
    .replace(/\p{Cc}\[[\d;?]*[@-~]/gu, "")
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();

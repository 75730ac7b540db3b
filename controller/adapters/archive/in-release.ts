const SIGNED = /^-----BEGIN PGP SIGNED MESSAGE-----\n(?:[^\n]+\n)*\n([\s\S]*?)\n-----BEGIN PGP SIGNATURE-----\n/;
const DATE =
  /^Date: ([A-Z][a-z]{2}, +[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} +[0-9]{1,2}:[0-9]{2}:[0-9]{2}) (?:UTC|GMT|Z|\+0000)$/m;

/** A time as snapshot timestamps write it: `YYYYMMDDTHHMMSSZ`. */
export const snapshotTimestamp = (time: Date): string => time.toISOString().replaceAll(/[-:]|\.[0-9]{3}/g, "");

/** Inverse of {@link snapshotTimestamp}; an Invalid Date if the text is none. */
export const timestampDate = (timestamp: string): Date =>
  new Date(timestamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));

/**
 * The Date field of an InRelease file (Debian repository format, "Date, Valid-Until"), as a snapshot timestamp. Only
 * the signed part is read.
 * @throws SyntaxError if the file is not clear-signed or has no date in UTC
 */
export function inReleaseDate(text: string): string {
  const signed = SIGNED.exec(text)?.[1];
  if (signed === undefined) throw new SyntaxError("InRelease is not a clear-signed message");
  const date = DATE.exec(signed)?.[1];
  const time = new Date(`${date} UTC`);
  if (date === undefined || Number.isNaN(time.getTime())) throw new SyntaxError("InRelease has no Date in UTC");
  return snapshotTimestamp(time);
}

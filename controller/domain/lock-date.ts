import type { Lock } from "../../builders/contract/lock.ts";

/** `YYYYMMDDTHHMMSSZ`, as a lock dates its suites. */
const STAMP = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/;

/** When what locks name was there: seconds since 1970 of the newest index that they come from. */
export function newestIndex(locks: readonly Lock[]): number {
  const dates = locks.flatMap(({ suites }) => suites.map(({ date }) => date)).toSorted();
  const [, year, month, day, hour, minute, second] = STAMP.exec(dates.at(-1) ?? "")?.map(Number) ?? [];
  return Date.UTC(year ?? 1970, (month ?? 1) - 1, day ?? 1, hour ?? 0, minute ?? 0, second ?? 0) / 1000;
}

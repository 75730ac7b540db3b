import { ReleaseError } from "./errors.ts";
import { VERSION } from "./names.ts";

/** A count at a version's end: no leading zero, at most nine digits, and something in front of it. */
const COUNTED = /^(?<base>.+)-(?<count>0|[1-9][0-9]{0,8})$/;
/** The day of an ISO date is no count. */
const ISO_DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;

/**
 * The version after `current`: its count at the end goes up by one (`2026.11.23-1` -> `2026.11.23-2`); a version
 * without one gets `-2` (`2026.11.23`, `2026-11-23`, `1.0-rc1`, `1.0-07`). Versions in `used` are passed over.
 * @throws ReleaseError SpecInvalid if the next version is longer than a version may be
 */
export function nextVersion(current: string, used: ReadonlySet<string>): string {
  const { base = current, count = "1" } = ISO_DATE.test(current) ? {} : (COUNTED.exec(current)?.groups ?? {});
  for (let next = Number(count) + 1; ; next += 1) {
    const version = `${base}-${next}`;
    if (version.length > VERSION.maxLength) {
      throw new ReleaseError(
        "SpecInvalid",
        `the version after ${current} would be ${version}, longer than ${VERSION.maxLength} characters`,
        "give spec.version a shorter value by hand",
      );
    }
    if (!used.has(version)) return version;
  }
}

import { oneLine } from "./format.ts";
import type { ReleaseRecord } from "./read-record.ts";
import { targetName } from "./target.ts";
import { failureText } from "./verdict.ts";

/** What `imgrel status` says of a release; nothing of it is verified. */
export type RecordedStatus = {
  readonly name: string;
  /** null where the record cannot be read */
  readonly version: string | null;
  /** it is published, recorded, and not revoked */
  readonly ready: boolean;
  readonly published: boolean;
  /** `<arch>/<variant>` */
  readonly targets: readonly string[];
  /** of the spec */
  readonly commit: string | null;
  /** why it is not ready; null if it is */
  readonly reason: string | null;
};

/** The status of a release from its record alone. */
export function recordedStatus(name: string, record: ReleaseRecord): RecordedStatus {
  const { status, published, failure, revocation } = record;
  const reason = revocation !== null ? "revoked" : failure === null ? null : failureText(failure);
  return {
    ...{ name, version: status.version, commit: status.specCommit, reason },
    ...{ ready: reason === null, published: published !== null },
    targets: status.targets.map(targetName),
  };
}

/** The status of a release whose record is not as imgrel writes one. */
export const unreadableStatus = (name: string, why: string): RecordedStatus => ({
  ...{ name, version: null, ready: false, published: false, targets: [], commit: null, reason: why },
});

const HEADER = ["NAME", "VERSION", "READY", "PUBLISHED", "TARGETS", "COMMIT"];
const yesOrNo = (value: boolean): string => (value ? "True" : "False");

/**
 * The table, columns as wide as they must be, then one line for each release that is not ready. Nothing that stands in a
 * record can steer a terminal.
 */
export function statusTable(releases: readonly RecordedStatus[]): string[] {
  const rows = releases.map(({ name, version, ready, published, targets, commit }) =>
    [
      ...[name, version ?? "-", yesOrNo(ready), yesOrNo(published)],
      ...[targets.join(",") || "-", commit?.slice(0, 12) ?? "-"],
    ].map(oneLine),
  );
  const all = [HEADER, ...rows];
  const widths = HEADER.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [
    ...lines,
    ...releases.flatMap(({ name, reason }) => (reason === null ? [] : [oneLine(`${name}: ${reason}`)])),
  ];
}

/** Releases by name, numbers in it by their value: `1.9` before `1.10`. */
export const byReleaseName = (a: RecordedStatus, b: RecordedStatus): number =>
  a.name.localeCompare(b.name, "en", { numeric: true });

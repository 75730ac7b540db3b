import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../builders/contract/digest.ts";
import { RELEASE } from "../../test/fakes/release-run.ts";
import { checkIndex, seenIndex } from "./check-record-list.ts";
import {
  INDEXED_RELEASES,
  type IndexedRelease,
  indexStatement,
  nextIndex,
  type RecordIndex,
} from "./recorded-releases.ts";

const entry = (name: string): IndexedRelease => ({
  ...{ name, version: RELEASE.version, specCommit: RELEASE.specCommit },
  releaseDigest: digestOf(name),
});
const indexOf = (count: number, version: number): RecordIndex => ({
  ...{ schemaVersion: 1, version },
  releases: Array.from({ length: count }, (_, index) => entry(`r${index}`)),
});
const check = (index: RecordIndex, release: IndexedRelease, known: Parameters<typeof checkIndex>[3]) => () =>
  checkIndex(index, indexStatement(index), release, known);

describe("an index of records", () => {
  it("is accepted exactly if it is no older than what is known", () => {
    const version = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(version, fc.option(version), version, (is, before, minVersion) => {
        const index = indexOf(1, is);
        const seen = before === null ? null : { ...seenIndex(index), version: before };
        const judged = check(index, entry("r0"), { seen, minVersion });
        if (is >= Math.max(before ?? 0, minVersion)) expect(judged).not.toThrow();
        else expect(judged).toThrow(/older than/);
      }),
    );
  });
  it("may have dropped a release only if it is full", () => {
    const known = { seen: null, minVersion: 0 };
    expect(check(indexOf(INDEXED_RELEASES, 200), entry("old"), known)).not.toThrow();
    expect(check(indexOf(INDEXED_RELEASES - 1, 200), entry("old"), known)).toThrow("old: is not named");
  });
  it("names the release as its record does", () => {
    const index = nextIndex(null, entry("demo"));
    const known = { seen: null, minVersion: 0 };
    expect(check(index, entry("demo"), known)).not.toThrow();
    for (const other of [{ version: "2" }, { specCommit: "00".repeat(20) }, { releaseDigest: digestOf("x") }]) {
      expect(check(index, { ...entry("demo"), ...other }, known)).toThrow(Object.keys(other)[0]);
    }
  });
});

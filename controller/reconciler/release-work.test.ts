import { expect, it } from "vitest";
import { demoDigest } from "../../test/fakes/artifact-store.ts";
import type { ObservedRecord } from "../domain/observed.ts";
import { releaseWork } from "./release-work.ts";

const { signal } = new AbortController();

/** A release without targets, whose record is what `records` says, one look after the other. */
function given(records: readonly (ObservedRecord | Error)[], write: () => Promise<void> = async () => undefined) {
  let looks = 0;
  const work = releaseWork(
    {
      ...{ specDigest: demoDigest("spec"), version: "1", keepRuns: false, parallelBoots: 1, arches: [], targets: [] },
      gate: { reproducibility: "Enforce", boot: "Enforce", bootWanted: true },
      inputs: { archived: async () => true, archive: async () => undefined },
      record: {
        observe: async () => {
          const seen = records[looks];
          looks += 1;
          if (seen === undefined || seen instanceof Error) throw seen ?? new RangeError("there is no more to see");
          return seen;
        },
        write,
      },
    },
    signal,
  );
  const seen = async () => (await work.observe(new Set())).record.kind;
  return { seen, record: () => work.act({ kind: "record", failure: null }, signal), looks: () => looks };
}

const RECORDED = { kind: "recorded", specDigest: demoDigest("spec"), version: "1", commit: "c" } as const;

it("looks at the record once, and anew once it was written", async () => {
  const { seen, record, looks } = given([{ kind: "absent" }, RECORDED]);
  expect([await seen(), await seen(), looks()]).toEqual(["absent", "absent", 1]);
  await record();
  expect([await seen(), await seen(), looks()]).toEqual(["recorded", "recorded", 2]);
});
it("looks anew after a write that failed: its answer may have been lost", async () => {
  const { seen, record } = given([{ kind: "absent" }, RECORDED], () => Promise.reject(new Error("cut off")));
  expect(await seen()).toBe("absent");
  await expect(record()).rejects.toThrow("cut off");
  expect(await seen()).toBe("recorded");
});
it("keeps no look that failed", async () => {
  const { seen } = given([new Error("away"), { kind: "absent" }]);
  await expect(seen()).rejects.toThrow("away");
  expect(await seen()).toBe("absent");
});

import { expect, it } from "vitest";
import { demoDigest } from "../../test/fakes/artifact-store.ts";
import type { ObservedRecord } from "../domain/observed.ts";
import { releaseWork } from "./release-work.ts";
import type { TargetWork } from "./target-work.ts";

const { signal } = new AbortController();

/** A release without targets, whose record is what `records` says, one look after the other. */
function given(
  records: readonly (ObservedRecord | Error)[],
  write: () => Promise<void> = async () => undefined,
  targets: readonly TargetWork[] = [],
) {
  let looks = 0;
  const work = releaseWork(
    {
      ...{ specDigest: demoDigest("spec"), version: "1", keepRuns: false, parallelBoots: 1, arches: [], targets },
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
  return { work, seen, record: () => work.act({ kind: "record", failure: null }, signal), looks: () => looks };
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

/** A target that is staged or not, and how often it was looked at. */
function targetOf(variant: "raw" | "qcow2", staged: () => boolean) {
  let looks = 0;
  const target: TargetWork = {
    ref: { arch: "amd64", variant },
    observe: async () => {
      looks += 1;
      const seen = { documents: new Set<never>(), published: false, tag: "absent" } as const;
      return { arch: "amd64", variant, staged: staged(), ...seen };
    },
    ...{ stage: async () => undefined, sign: async () => undefined, publish: async () => undefined },
    tag: () => Promise.reject(new Error("cut off")),
    ...{ documents: () => new Map(), publication: () => null },
  };
  return { target, looks: () => looks };
}

it("looks at a target anew once something was done to it, also in vain, and at no other", async () => {
  const [raw, qcow2] = [targetOf("raw", () => true), targetOf("qcow2", () => true)];
  const { work, seen } = given([{ kind: "absent" }], undefined, [raw.target, qcow2.target]);
  await seen();
  await seen();
  expect([raw.looks(), qcow2.looks()]).toEqual([1, 1]);
  const target = { arch: "amd64", variant: "raw" } as const;
  await work.act({ kind: "publish", target }, signal);
  await seen();
  expect([raw.looks(), qcow2.looks()]).toEqual([2, 1]);
  await expect(work.act({ kind: "tag", target }, signal)).rejects.toThrow("cut off");
  await seen();
  expect([raw.looks(), qcow2.looks()]).toEqual([3, 1]);
});
it("looks at a target each time until it is staged: what is done to its arch may make it known", async () => {
  let staged = false;
  const { target, looks } = targetOf("raw", () => staged);
  const { seen } = given([{ kind: "absent" }], undefined, [target]);
  await seen();
  await seen();
  staged = true;
  await seen();
  await seen();
  expect(looks()).toBe(3);
});
it("keeps no look that began before something was done", async () => {
  const first = Promise.withResolvers<boolean>();
  let looks = 0;
  const { target } = targetOf("raw", () => true);
  const observe: TargetWork["observe"] = async (stop) => {
    looks += 1;
    if (looks === 1) await first.promise;
    return { ...(await target.observe(stop)), published: looks > 1 };
  };
  const { work } = given([{ kind: "absent" }], undefined, [{ ...target, observe }]);
  const before = work.observe(new Set());
  await Promise.resolve();
  await work.act({ kind: "publish", target: target.ref }, signal);
  first.resolve(true);
  await before;
  expect((await work.observe(new Set())).targets[0]?.published).toBe(true);
});

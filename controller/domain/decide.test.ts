import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Action, actionKey } from "./action.ts";
import { bootName, bootPlan } from "./boot-plan.ts";
import { statusOf } from "./conditions.ts";
import { decide } from "./decide.ts";
import type { ArchObservation, Observed, TargetObservation } from "./observed.ts";
import { documentsFor, type DocumentName, targetName } from "./target.ts";
import { type Failure, verdict } from "./verdict.ts";

const SPEC = `sha256:${"1".repeat(64)}`;
const OTHER = `sha256:${"2".repeat(64)}`;
const VARIANTS = ["kernel-initrd", "raw", "qcow2"] as const;

type World = Omit<Observed, "running">;
type FailedRecord = Extract<Observed["record"], { kind: "failed" }>;

const arch = (over: Partial<ArchObservation> = {}): ArchObservation => ({
  ...{
    arch: "amd64",
    variants: VARIANTS,
    runs: 2,
    finished: new Set<number>(),
    verdict: null,
    fault: null,
    boots: new Map(),
  },
  ...over,
});
const target = (variant: TargetObservation["variant"], over: Partial<TargetObservation> = {}): TargetObservation => ({
  ...{ arch: "amd64", variant, staged: false, documents: new Set<DocumentName>(), published: false, tag: "absent" },
  ...over,
});
const fresh = (over: Partial<World> = {}): World => ({
  specDigest: SPEC,
  version: "1",
  record: { kind: "absent" },
  gate: { reproducibility: "Enforce", boot: "Enforce", bootWanted: true },
  keepRuns: false,
  parallelBoots: 2,
  inputsArchived: false,
  arches: [arch()],
  targets: VARIANTS.map((variant) => target(variant)),
  ...over,
});

const failedRecord = (failure: Failure, over: Partial<FailedRecord> = {}): FailedRecord => ({
  ...{ kind: "failed", specDigest: SPEC, version: "1", commit: "c0ffee", failure },
  ...over,
});

/** What is true after an action: the effects of the real ones, on a description of the world. */
function perform(world: World, action: Action): World {
  const inArch = (name: string, change: (one: ArchObservation) => Partial<ArchObservation>): World => ({
    ...world,
    arches: world.arches.map((one) => (one.arch === name ? { ...one, ...change(one) } : one)),
  });
  const inTarget = (change: (one: TargetObservation) => Partial<TargetObservation>, name: string): World => ({
    ...world,
    targets: world.targets.map((one) => (targetName(one) === name ? { ...one, ...change(one) } : one)),
  });
  switch (action.kind) {
    case "archive-inputs":
      return { ...world, inputsArchived: true };
    case "build":
      return inArch(action.arch, ({ finished }) => ({ finished: new Set([...finished, action.run]) }));
    case "discard":
      return inArch(action.arch, ({ finished }) => ({
        finished: new Set([...finished].filter((run) => run !== action.run)),
      }));
    case "compare":
      return inArch(action.arch, () => ({ verdict: "Reproduced" }));
    case "boot":
      return inArch(action.arch, ({ boots }) => ({
        boots: new Map(boots).set(bootName(action.boot), { passed: true, reason: "" }),
      }));
    case "stage":
      return inTarget(() => ({ staged: true }), targetName(action.target));
    case "sign":
      return inTarget(
        ({ documents }) => ({ documents: new Set([...documents, action.document]) }),
        targetName(action.target),
      );
    case "publish":
      return inTarget(() => ({ published: true }), targetName(action.target));
    case "tag":
      return inTarget(() => ({ tag: "ours" }), targetName(action.target));
    case "record":
      if (action.failure !== null) return { ...world, record: failedRecord(action.failure) };
      return { ...world, record: { kind: "recorded", specDigest: SPEC, version: "1", commit: "c" } };
  }
}

const idle = (world: World): Observed => ({ ...world, running: new Set() });
const keys = (world: World): string[] => decide(idle(world)).actions.map(actionKey);

const differing = arch({ finished: new Set([1, 2]), verdict: "NotReproducible", fault: "runs 1 and 2 differ" });
const built = arch({ finished: new Set([1, 2]) });
const booted = new Map(bootPlan(VARIANTS, "amd64").map((boot) => [bootName(boot), { passed: true, reason: "" }]));
const proven = arch({ finished: new Set([1]), verdict: "Reproduced", boots: booted });
const signed = VARIANTS.map((variant) =>
  target(variant, {
    staged: true,
    documents: new Set(documentsFor({ arch: "amd64", variant }, { runs: 2, booted: true })),
  }),
);

describe("a fresh release", () => {
  it("begins all runs and the archive of inputs at once", () => {
    expect(keys(fresh())).toEqual(["archive-inputs", "build amd64 run 1", "build amd64 run 2"]);
  });
  it("boots the first run while the second is built, two at a time", () => {
    const world = fresh({ inputsArchived: true, arches: [arch({ finished: new Set([1]) })] });
    expect(keys(world)).toEqual(["build amd64 run 2", "boot amd64 kernel-initrd", "boot amd64 raw-bios"]);
    const running = new Set(["build amd64 run 2", "boot amd64 kernel-initrd", "boot amd64 raw-bios"]);
    const decided = decide({ ...world, running }).actions.map(actionKey);
    expect(decided.filter((key) => !running.has(key))).toEqual([]);
  });
  it("is compared once all runs are there, and only then", () => {
    expect(keys(fresh({ arches: [built] }))).toContain("compare amd64");
    expect(keys(fresh({ arches: [arch({ finished: new Set([2]) })] }))).not.toContain("compare amd64");
  });
});

describe("any order of events", () => {
  it("ends recorded, each effect once, nothing signed before the gate and no tag before all is there", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), fc.integer({ min: 2, max: 5 }), (choices, runs) => {
        let world = fresh({ arches: [arch({ runs })] });
        const done: string[] = [];
        for (;;) {
          const { actions, outcome } = decide(idle(world));
          if (outcome.kind === "recorded") break;
          expect(outcome.kind).toBe("working");
          expect(actions.length).toBeGreaterThan(0); // it never waits for nothing
          const action = actions[(choices.next().value ?? 0) % actions.length];
          if (action === undefined) throw new Error("unreachable");
          world = perform(world, action);
          done.push(actionKey(action));
        }
        expect(new Set(done).size).toBe(done.length);
        const last = (prefix: string) => done.findLastIndex((key) => key.startsWith(prefix));
        const first = (prefix: string) => done.findIndex((key) => key.startsWith(prefix));
        expect(first("stage")).toBeGreaterThan(Math.max(last("compare"), last("boot"), last("archive-inputs")));
        expect(first("publish")).toBeGreaterThan(last("sign"));
        expect(first("tag")).toBeGreaterThan(last("publish"));
        expect(done.at(-1)).toBe("record");
        expect(decide(idle(world)).actions).toEqual([]);
      }),
    );
  });
});

/** What must not be done to a release that failed. */
const PUBLISHING = /^(stage|sign|publish|tag|archive)/;

describe("a release that fails", () => {
  it("goes on record once, in any order of events, and is neither signed nor published", () => {
    const boots = bootPlan(VARIANTS, "amd64").map(bootName);
    fc.assert(
      fc.property(
        fc.infiniteStream(fc.nat()),
        fc.option(fc.constantFrom("NotReproducible" as const, "ManifestMismatch" as const)),
        fc.subarray(boots, { minLength: 1 }),
        (choices, differs, broken) => {
          let world = fresh();
          const done: string[] = [];
          for (;;) {
            const { actions, outcome } = decide(idle(world));
            if (actions.length === 0) {
              expect(outcome.kind).toBe("stopped");
              break;
            }
            const action = actions[(choices.next().value ?? 0) % actions.length];
            if (action === undefined) throw new Error("unreachable");
            world = perform(world, action);
            const [one] = world.arches;
            if (one === undefined) throw new Error("unreachable");
            if (action.kind === "compare" && differs !== null) {
              world = { ...world, arches: [{ ...one, verdict: differs, fault: "they differ" }] };
            }
            if (action.kind === "boot" && broken.includes(bootName(action.boot))) {
              const ended = new Map(one.boots).set(bootName(action.boot), { passed: false, reason: "no agent" });
              world = { ...world, arches: [{ ...one, boots: ended }] };
            }
            done.push(actionKey(action));
          }
          expect(done.filter((key) => key === "record")).toEqual(["record"]);
          expect(done.filter((key) => PUBLISHING.test(key) && key !== "archive-inputs")).toEqual([]);
          expect(world.record).toMatchObject({ kind: "failed", failure: { class: "Verdict" } });
        },
      ),
    );
  });
  it("stays failed, whatever else is observed: the same failure again, and nothing to do", () => {
    const failures = [
      verdict("Reproducible", "NotReproducible", "amd64: runs 1 and 2 differ"),
      verdict("Reproducible", "ManifestMismatch", "amd64: x"),
      verdict("Verified", "VerificationFailed", "raw-uefi: no agent"),
    ];
    const worlds = [fresh(), fresh({ arches: [proven], targets: signed, inputsArchived: true })];
    for (const failure of failures) {
      for (const world of worlds) {
        const { actions, outcome, conditions } = decide(idle({ ...world, record: failedRecord(failure) }));
        expect(actions).toEqual([]);
        expect(outcome).toMatchObject({ kind: "stopped", code: failure.reason, message: failure.message });
        expect(conditions.map(({ type }) => type)).toEqual(["Admitted", failure.step, "Recorded"]);
        expect(statusOf(failure.step, conditions[1]?.reason ?? "")).toBe("False");
      }
    }
  });
  it("leaves its name to another version, and its version to nothing else", () => {
    const failure = verdict("Reproducible", "NotReproducible", "amd64: runs 1 and 2 differ");
    const record = failedRecord(failure, { specDigest: OTHER });
    expect(decide(idle(fresh({ record }))).outcome).toMatchObject({ kind: "stopped", code: "VersionReused" });
    expect(decide(idle(fresh({ record }))).actions).toEqual([]);
    expect(keys(fresh({ record, version: "2" }))).toEqual(keys(fresh()));
  });
  it("is not one whose way is barred by what may go away: that goes on no record", () => {
    const targets = signed.map((one) => ({ ...one, tag: "other" as const }));
    const leftOut = { reproducibility: "Enforce", boot: "Enforce", bootWanted: false } as const;
    const worlds = [
      fresh({ inputsArchived: true, arches: [proven], targets }),
      fresh({ gate: leftOut, arches: [proven] }),
      fresh({ record: { kind: "invalid", message: "no signature" } }),
      fresh({ record: failedRecord(verdict("Verified", "VerificationFailed", "x"), { specDigest: OTHER }) }),
    ];
    for (const world of worlds) {
      const { actions, outcome } = decide(idle(world));
      expect(outcome.kind).toBe("stopped");
      expect(actions.filter(({ kind }) => kind === "record")).toEqual([]);
    }
  });
});

describe("a gate", () => {
  it("refuses runs that differ, whatever booted, and only records that", () => {
    for (const reproducibility of ["Enforce", "Report"] as const) {
      const world = fresh({
        gate: { reproducibility, boot: "Enforce", bootWanted: true },
        arches: [differing],
      });
      const { actions, outcome } = decide(idle(world));
      const message = "amd64: runs 1 and 2 differ";
      expect(outcome).toMatchObject({ kind: "stopped", code: "NotReproducible", message });
      expect(actions).toEqual([
        {
          kind: "record",
          failure: { step: "Reproducible", class: "Verdict", reason: "NotReproducible", message },
        },
      ]);
    }
  });
  it("refuses a run that misdescribes its files", () => {
    const world = fresh({ arches: [{ ...differing, verdict: "ManifestMismatch" }] });
    const { actions, outcome } = decide(idle(world));
    expect(outcome).toMatchObject({ kind: "stopped", code: "ManifestMismatch" });
    expect(actions).toMatchObject([{ kind: "record", failure: { reason: "ManifestMismatch" } }]);
  });
  it("refuses what did not boot, once every boot ended, or reports it", () => {
    const failing = new Map(booted).set("raw-uefi", { passed: false, reason: "no agent" });
    const world = fresh({ inputsArchived: true, arches: [{ ...proven, boots: failing }] });
    expect(decide(idle(world)).outcome).toMatchObject({
      ...{ kind: "stopped", code: "VerificationFailed" },
      message: "amd64 raw-uefi did not boot: no agent",
    });
    expect(decide(idle(world)).actions).toMatchObject([
      { kind: "record", failure: { step: "Verified", reason: "VerificationFailed" } },
    ]);
    const open = new Map([["raw-uefi", { passed: false, reason: "no agent" }]]);
    expect(decide(idle({ ...world, arches: [{ ...proven, boots: open }] })).outcome.kind).toBe("working");
    const reporting = { ...world, gate: { ...world.gate, boot: "Report" as const } };
    expect(keys(reporting)).toContain("stage amd64/raw");
    expect(decide(idle(reporting)).conditions).toContainEqual(
      expect.objectContaining({ type: "Verified", reason: "VerificationFailed" }),
    );
  });
  it("publishes nothing whose boots were left out, unless the class only reports them", () => {
    const gate = { reproducibility: "Enforce", boot: "Enforce", bootWanted: false } as const;
    const world = fresh({ gate, inputsArchived: true, arches: [arch({ ...built, verdict: "Reproduced" })] });
    const decision = decide(idle(world));
    expect(decision.outcome).toMatchObject({ kind: "stopped", code: "VerificationFailed" });
    expect(decision.actions.map(actionKey)).toEqual(["discard amd64 run 2"]);
    expect(decide(idle(fresh({ gate, arches: [built] }))).outcome.kind).toBe("working");
    expect(keys(fresh({ gate }))).toEqual(["build amd64 run 1", "build amd64 run 2"]); // nor is its archive needed
    const reporting = { ...world, gate: { ...gate, boot: "Report" as const } };
    expect(keys(reporting)).toContain("stage amd64/kernel-initrd");
    const staged = { ...reporting, targets: reporting.targets.map((one) => ({ ...one, staged: true })) };
    expect(keys(staged)).toContain("sign amd64/raw sbom");
    expect(keys(staged).filter((key) => key.endsWith("tests"))).toEqual([]);
  });
});

describe("the bytes of further runs", () => {
  const world = fresh({ inputsArchived: true, arches: [{ ...proven, finished: new Set([1, 2]) }] });
  it("go once they are known to be the same", () => expect(keys(world)).toContain("discard amd64 run 2"));
  it("stay if someone asked for them", () =>
    expect(keys({ ...world, keepRuns: true })).not.toContain("discard amd64 run 2"));
});

describe("publication", () => {
  it("moves no tag", () => {
    const targets = signed.map((one) => ({ ...one, published: true, tag: "other" as const }));
    const decision = decide(idle(fresh({ inputsArchived: true, arches: [proven], targets })));
    expect(decision.outcome).toMatchObject({ kind: "stopped", code: "TagConflict" });
    expect(decision.actions.filter(({ kind }) => kind === "tag" || kind === "record")).toEqual([]);
  });
  it("waits for the archive of inputs", () => {
    expect(keys(fresh({ arches: [proven], targets: signed }))).toEqual(["archive-inputs"]);
  });
});

describe("a record", () => {
  it("of the same content means that nothing is to be done, whatever else is there", () => {
    const record = { kind: "recorded", specDigest: SPEC, version: "1", commit: "c0ffee" } as const;
    const { actions, outcome, conditions } = decide(idle(fresh({ record })));
    expect(actions).toEqual([]);
    expect(outcome.kind).toBe("recorded");
    expect(conditions.map(({ type, reason }) => `${type} ${reason}`)).toEqual(["Admitted Adopted", "Recorded Pushed"]);
  });
  it("of other content is never written over", () => {
    const record = { kind: "recorded", specDigest: OTHER, version: "1", commit: "c0ffee" } as const;
    const { actions, outcome } = decide(idle(fresh({ record, arches: [proven], targets: signed })));
    expect(actions).toEqual([]);
    expect(outcome).toMatchObject({ kind: "stopped", code: "VersionReused" });
  });
  it("that does not verify stops the release", () => {
    const { actions, outcome } = decide(idle(fresh({ record: { kind: "invalid", message: "no signature" } })));
    expect(actions).toEqual([]);
    expect(outcome).toMatchObject({ kind: "stopped", code: "RecordInvalid" });
  });
});

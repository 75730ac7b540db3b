import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ORIGIN, STORED_KINDS, typeOf } from "../../test/contracts/stored-corpus.ts";
import { admissionFaults } from "../../test/contracts/structural-admission.ts";
import { bootName, bootPlan } from "./boot-plan.ts";
import { composeStatus, type Progress } from "./compose-status.ts";
import { type Condition, statusOf, STEPS, type StepType } from "./conditions.ts";
import { jobProgress } from "./jobs/job-progress.ts";
import { decide } from "./decide.ts";
import type { ArchObservation, Observed, TargetObservation } from "./observed.ts";
import { type Failure, ReleaseStatus } from "./release-status.ts";
import { documentsFor } from "./target.ts";

const DIGEST = `sha256:${"1".repeat(64)}`;
const VARIANTS = ["raw", "oci"] as const;
const RUNS = 2;

const records: fc.Arbitrary<Observed["record"]> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ kind: "absent" } as const) },
  fc.constantFrom(
    { kind: "recorded", specDigest: DIGEST, version: "1", commit: "c" } as const,
    { kind: "recorded", specDigest: `sha256:${"2".repeat(64)}`, version: "2", commit: "c" } as const,
    { kind: "invalid", message: "m" } as const,
  ),
);

const arch: fc.Arbitrary<ArchObservation> = fc
  .record({
    finished: fc.subarray([1, 2]),
    verdict: fc.constantFrom(null, null, "Reproduced", "Reproduced", "NotReproducible", "ManifestMismatch"),
    booted: fc.boolean(),
    passed: fc.boolean(),
  })
  .map(({ finished, verdict, booted, passed }) => ({
    ...{ arch: "amd64" as const, variants: VARIANTS, runs: RUNS, finished: new Set(finished), verdict, fault: null },
    boots: new Map(booted ? bootPlan(VARIANTS, "amd64").map((one) => [bootName(one), { passed, reason: "r" }]) : []),
  }));

const targetOf = (variant: (typeof VARIANTS)[number]): fc.Arbitrary<TargetObservation> =>
  fc
    .record({
      staged: fc.boolean(),
      signed: fc.boolean(),
      published: fc.boolean(),
      tag: fc.constantFrom("absent" as const, "ours" as const, "other" as const),
    })
    .map(({ signed, ...rest }) => ({
      ...{ arch: "amd64" as const, variant, ...rest },
      documents: new Set(signed ? documentsFor({ arch: "amd64", variant }, { runs: RUNS, booted: true }) : []),
    }));

const observations: fc.Arbitrary<Observed> = fc.record({
  specDigest: fc.constant(DIGEST),
  version: fc.constant("1"),
  record: records,
  gate: fc.record({
    reproducibility: fc.constantFrom("Enforce" as const, "Report" as const),
    boot: fc.constantFrom("Enforce" as const, "Report" as const),
    bootWanted: fc.boolean(),
  }),
  keepRuns: fc.boolean(),
  parallelBoots: fc.constant(2),
  inputsArchived: fc.boolean(),
  arches: fc.tuple(arch),
  targets: fc.tuple(targetOf("raw"), targetOf("oci")),
  running: fc.constant(new Set<string>()),
});

const FAILURES = Object.entries(STEPS).flatMap(([step, { reasons }]) =>
  Object.keys(reasons)
    .filter((reason) => statusOf(step as StepType, reason) === "False")
    .map((reason) => ({ step: step as StepType, reason })),
);
const failures: fc.Arbitrary<Failure> = fc
  .tuple(fc.constantFrom(...FAILURES), fc.constantFrom("Transient" as const, "Resource" as const), fc.string())
  .map(([{ step, reason }, kind, message]) => ({ step, reason, class: kind, message }));

const progress = (from: fc.Arbitrary<Observed>): fc.Arbitrary<Progress> =>
  fc
    .record({
      observed: from,
      generation: fc.integer({ min: 1, max: 3 }),
      suspended: fc.boolean(),
      notHeld: fc.option(fc.string({ maxLength: 100 })),
      failure: fc.option(failures),
      jobs: fc.constant([]),
      now: fc.nat(1000).map((second) => new Date(Date.UTC(2026, 10, 26, 0, 0, second))),
    })
    .map((one) => ({ ...one, decision: decide(one.observed) }));

const conditionOf = ({ conditions = [] }: ReleaseStatus, type: Condition["type"]) =>
  conditions.find((condition) => condition.type === type);

/** What kstatus makes of an object (sigs.k8s.io/cli-utils, pkg/kstatus: generic properties, then Ready). */
function kstatus(status: ReleaseStatus, generation: number): "InProgress" | "Failed" | "Current" {
  if (status.observedGeneration !== generation) return "InProgress";
  if (conditionOf(status, "Reconciling")?.status === "True") return "InProgress";
  if (conditionOf(status, "Stalled")?.status === "True") return "Failed";
  return conditionOf(status, "Ready")?.status === "True" ? "Current" : "InProgress";
}

const stored = (status: ReleaseStatus) => ({
  ...typeOf("DiskImageRelease"),
  metadata: { name: "demo" },
  spec: {
    ...{ version: "1", className: "stable", source: ORIGIN, targets: [{ variant: "raw", arch: "amd64" }] },
    inputs: {
      distribution: { archive: "debian", suite: "trixie" },
      kernelPackage: { amd64: "linux-image-6.12.48+deb13-amd64" },
      sourceDateEpoch: 1,
    },
  },
  status,
});

describe("the status of a release, whatever is observed in whatever order", () => {
  const histories = fc.array(progress(observations), { minLength: 1, maxLength: 5 });
  it("is what kstatus expects, and the API server takes each change", () => {
    fc.assert(
      fc.property(histories, (history) => {
        let before: ReleaseStatus = {};
        for (const step of history) {
          const { outcome } = step.decision;
          const status = composeStatus(before, step);
          expect(ReleaseStatus.parse(status)).toEqual(status);
          expect(kstatus(status, step.generation)).toBe(
            outcome.kind === "recorded" ? "Current" : outcome.kind === "stopped" ? "Failed" : "InProgress",
          );
          expect(conditionOf(status, "Ready")?.observedGeneration).toBe(step.generation);
          const open = ["Reconciling", "Stalled"].filter((type) => conditionOf(status, type as Condition["type"]));
          const idle =
            outcome.kind === "recorded" || (outcome.kind === "working" && step.suspended && step.notHeld === null);
          expect(open).toHaveLength(idle ? 0 : 1);
          for (const old of before.conditions ?? []) {
            if (old.type in STEPS && old.status === "True") expect(status.conditions).toContainEqual(old);
          }
          expect(admissionFaults(STORED_KINDS.DiskImageRelease.crd, stored(status), stored(before))).toEqual([]);
          before = status;
        }
      }),
    );
  });
});

const observed = (over: Partial<Observed> = {}): Observed => ({
  ...{
    specDigest: DIGEST,
    version: "1",
    record: { kind: "absent" },
    keepRuns: false,
    parallelBoots: 2,
    inputsArchived: true,
  },
  ...{ gate: { reproducibility: "Enforce", boot: "Enforce", bootWanted: true }, running: new Set() },
  arches: [
    {
      arch: "amd64",
      variants: VARIANTS,
      runs: 2,
      finished: new Set([1]),
      verdict: null,
      fault: null,
      boots: new Map(),
    },
  ],
  targets: VARIANTS.map((variant) => ({
    ...{ arch: "amd64", variant, staged: variant === "raw", documents: new Set(), published: false, tag: "absent" },
  })),
  ...over,
});
const now = new Date("2026-11-26T00:00:00Z");
const at = (over: Partial<Observed> = {}, more: Partial<Progress> = {}): Progress => ({
  ...{
    observed: observed(over),
    decision: decide(observed(over)),
    generation: 1,
    suspended: false,
    notHeld: null,
    failure: null,
    jobs: [],
    now,
  },
  ...more,
});
const outage: Failure = {
  ...{ step: "Published", class: "Transient", reason: "RegistryUnavailable", message: "503 from the registry" },
  ...{ target: "amd64/oci", nextRetryTime: "2026-11-26T00:01:00Z" },
};

describe("the status of a release", () => {
  it("counts and names what is under way", () => {
    expect(composeStatus({}, at())).toMatchObject({
      ...{ observedGeneration: 1, attempt: 1, phase: "Building", summary: { targets: "0/2", builds: "1/2" } },
      targets: [
        { arch: "amd64", variant: "raw", phase: "Staged" },
        { arch: "amd64", variant: "oci", phase: "Pending" },
      ],
    });
  });
  it("says what is tried again, and forgets it once it has passed", () => {
    const status = composeStatus({}, at({}, { failure: outage }));
    expect(status.failure).toEqual(outage);
    expect(conditionOf(status, "Ready")).toMatchObject({ status: "False", reason: "ProgressingWithRetry" });
    expect(conditionOf(status, "Published")).toMatchObject({ status: "False", reason: "RegistryUnavailable" });
    expect(composeStatus(status, at())).not.toHaveProperty("failure");
  });
  it("shows the end of a long log, and the start of a long message", () => {
    const failure = { ...outage, message: `first${"m".repeat(5000)}`, logTail: `${"l".repeat(5000)}last` };
    const status = composeStatus({}, at({}, { failure }));
    expect(status.failure?.message).toMatch(/^first.{1019}$/);
    expect(status.failure?.logTail).toMatch(/^l{4092}last$/);
  });
  it.each([
    ["NotReproducible", "Verdict", { verdict: "NotReproducible" as const, finished: new Set([1, 2]) }],
    ["VersionReused", "Permanent", {}],
  ])("of one that ended: %s is a failure of class %s", (reason, kind, arch) => {
    const arches = observed().arches.map((one) => ({ ...one, ...arch }));
    const record = { kind: "recorded", specDigest: `sha256:${"3".repeat(64)}`, version: "0", commit: "c" } as const;
    const status = composeStatus({}, at({ arches, ...(reason === "VersionReused" ? { record } : {}) }));
    expect(status).toMatchObject({ phase: "Failed", failure: { class: kind, reason } });
  });
  it("of a suspended one: nothing goes on, and what it reached stays", () => {
    const status = composeStatus(composeStatus({}, at()), at({}, { suspended: true, generation: 2 }));
    expect(status).toMatchObject({ phase: "Suspended", observedGeneration: 2 });
    expect(conditionOf(status, "Admitted")?.status).toBe("True");
    expect(conditionOf(status, "Reconciling")).toBeUndefined();
  });
  it("of a suspended one: its runs are on no node, and as many are finished as before", () => {
    const ref = { step: "build", arch: "amd64" } as const;
    const jobs = [
      jobProgress({ ...ref, run: 1 }, 1, "b1", {
        ...{ state: "succeeded", pod: "p", node: "n1", message: "" },
        ...{ startedOn: "", finishedOn: "" },
      }),
      jobProgress({ ...ref, run: 2 }, 1, "b2", { state: "running", pod: "p", node: "n2" }),
    ];
    const before = composeStatus({}, at({}, { jobs }));
    const arches = observed().arches.map((one) => ({ ...one, finished: new Set<number>() }));
    const held = composeStatus(before, at({ arches }, { suspended: true }));
    expect(held).toMatchObject({
      summary: { builds: "1/2" },
      builds: [
        { run: 1, state: "Succeeded", node: "n1" },
        { run: 2, state: "Pending", attempt: 1, job: "b2", reason: "its Job is suspended" },
      ],
    });
    expect(held.builds?.[1]).not.toHaveProperty("node");
  });
  it("of one whose Jobs could not be suspended: it goes on, and why", () => {
    const ref = { step: "build", arch: "amd64", run: 2 } as const;
    const jobs = [jobProgress(ref, 1, "b2", { state: "running", pod: "p", node: "n2" })];
    const before = composeStatus({}, at({}, { jobs }));
    const status = composeStatus(before, at({}, { suspended: true, notHeld: "patch jobs: HTTP 503" }));
    expect(conditionOf(status, "Ready")).toMatchObject({
      ...{ reason: "ProgressingWithRetry" },
      message: "its Jobs go on, since they could not be suspended: patch jobs: HTTP 503",
    });
    expect(conditionOf(status, "Reconciling")?.status).toBe("True");
    expect([status.phase, status.builds?.[0]?.state]).toEqual(["Building", "Running"]);
  });
  it("of a recorded one is complete, whatever else can be seen", () => {
    const record = { kind: "recorded", specDigest: DIGEST, version: "1", commit: "c" } as const;
    expect(composeStatus({}, at({ record }))).toMatchObject({
      ...{ phase: "Released", summary: { targets: "2/2", builds: "2/2" } },
      targets: [{ phase: "Published" }, { phase: "Published" }],
    });
  });
  it("says of a Job that waits what the cluster says of it", () => {
    const ref = { step: "build", arch: "amd64", run: 2 } as const;
    const message = "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints.";
    const waits = jobProgress(ref, 1, "dir-x-b2-1", { state: "pending", message });
    const status = composeStatus({}, at({}, { jobs: [waits] }));
    const text = `amd64 run 2 build waits: ${message}`;
    expect(conditionOf(status, "Built")).toMatchObject({
      ...{ status: "Unknown", reason: "Running", message: `1 of 2 runs are finished; ${text}` },
    });
    expect(conditionOf(status, "Ready")).toMatchObject({ reason: "Progressing", message: text });
    expect(status.builds).toEqual([
      { arch: "amd64", run: 2, attempt: 1, job: "dir-x-b2-1", state: "Pending", reason: message },
    ]);
    const runs = jobProgress(ref, 1, "dir-x-b2-1", { state: "running", pod: "p", node: "n1" });
    const then = composeStatus(status, at({}, { jobs: [runs] }));
    expect(conditionOf(then, "Built")?.message).toBe("1 of 2 runs are finished");
    expect(conditionOf(then, "Ready")?.message).toBe("the release is under way");
    expect(then.builds).toEqual([
      { arch: "amd64", run: 2, attempt: 1, job: "dir-x-b2-1", node: "n1", state: "Running" },
    ]);
  });
  it("keeps what its makers know", () => {
    const before: ReleaseStatus = {
      attempt: 3,
      lastHandledRetryAt: "x",
      builds: [{ arch: "amd64", run: 1, job: "j", node: "n", state: "Succeeded", manifestDigest: DIGEST }],
      targets: [{ arch: "amd64", variant: "raw", phase: "Published", digest: DIGEST, sizeBytes: 7 }],
      git: { commit: "c".repeat(40), ref: "refs/heads/release-records" },
    };
    const { targets, ...rest } = before;
    const status = composeStatus(before, at());
    expect(status).toMatchObject(rest);
    expect(status.targets?.[0]).toEqual(targets?.[0]);
  });
});

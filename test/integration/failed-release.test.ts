import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf, sha256Hex } from "../../builders/contract/digest.ts";
import { gitOn } from "../../controller/adapters/git/git.ts";
import { createBundleVerifier } from "../../controller/adapters/signing/bundle-verifier.ts";
import { openKeySigner } from "../../controller/adapters/signing/key-signer.ts";
import type { ComparisonReport } from "../../controller/domain/comparison-report.ts";
import type { Condition } from "../../controller/domain/conditions.ts";
import type { Decision } from "../../controller/domain/decide.ts";
import { ReleaseError } from "../../controller/domain/errors.ts";
import type { ArchPlan } from "../../controller/domain/plan.ts";
import { LOCAL_BUILDER } from "../../controller/domain/provenance.ts";
import { readRecord } from "../../controller/domain/read-record.ts";
import { parseRecordTrailers } from "../../controller/domain/record-commit.ts";
import { recordedConditions, withDecision } from "../../controller/domain/release-conditions.ts";
import { verdict } from "../../controller/domain/verdict.ts";
import type { RecordRepository } from "../../controller/ports/record-repository.ts";
import type { Signer } from "../../controller/ports/signer.ts";
import { assembleRelease } from "../../controller/reconciler/assemble-release.ts";
import { archiveInputs } from "../../controller/reconciler/inputs-work.ts";
import { reconcile } from "../../controller/reconciler/reconcile.ts";
import { writeFailure } from "../../controller/reconciler/record-work.ts";
import { fakeArtifactStore } from "../fakes/artifact-store.ts";
import { fakeJobRunner } from "../fakes/job-runner.ts";
import { DPKG_STATUS, LOCK, TOOLCHAIN } from "../fakes/locked-image.ts";
import { RELEASE } from "../fakes/release-run.ts";
import { makeRemote, messagesOf, openRemote } from "../repositories.ts";

// A release that fails, on a real repository of others: what it leaves there, and what the next process makes of that.
const forever = new AbortController().signal;
let folder = "";
let remote = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-failed-"));
  remote = await makeRemote(join(folder, "remote.git"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

let mirrors = 0;
/** The records, as a process with a state folder of its own opens them. */
const openRecords = async () => (await openRemote(remote, join(folder, `mirror-${(mirrors += 1)}`))).records;
const git = async (...args: string[]) => (await gitOn(remote).run(args)).trim();
const NEXT = { version: "2026.11.23-2", specDigest: digestOf("next spec") };

const planOf = (release: typeof RELEASE): ArchPlan => ({
  request: {
    ...{ schemaVersion: 1, release: release.name, version: release.version, arch: "amd64" },
    ...{ variants: ["kernel-initrd"], kernelPackage: "linux-image-6.12.48+deb13-amd64", sourceDateEpoch: 0 },
    ...{ gitSha: release.specCommit, baseImageDigest: null, aptSnapshot: "20261101T000000Z", lock: LOCK },
  },
  ...{ toolchain: TOOLCHAIN, runs: 2, folder: join(folder, "work") },
});

const report = (verdict: ComparisonReport["verdict"], version: string): ComparisonReport => ({
  ...{ schemaVersion: 1, release: "demo", version, arch: "amd64", runs: [1, 2], verdict, artifacts: [], faults: [] },
  differences: verdict === "Reproduced" ? [] : [{ kind: "missing", path: "amd64/x", presentIn: [1], missingIn: [2] }],
});

const OUTPUT = new Map([
  ["amd64/build-manifest.json", "a manifest\n"],
  ["amd64/dpkg-status", DPKG_STATUS],
  ["amd64/kernel-initrd/kernel", "a kernel\n"],
]);

/** One process that works on a release until it ends. Nothing is built; runs differ, or the artifact does not boot. */
async function attempt(
  fails: "differ" | "boot" | "not",
  release = RELEASE,
  records: RecordRepository | null = null,
): Promise<{
  outcome: Decision["outcome"];
  calls: readonly string[];
  writes: readonly string[];
  signed: readonly string[];
}> {
  const store = fakeArtifactStore();
  const inputs = fakeArtifactStore("registry.example/inputs");
  const signed: string[] = [];
  const key = await openKeySigner({ folder: join(folder, "keys") });
  const signer: Signer = {
    ...key,
    signStatement: (statement, signal) => {
      signed.push(statement.predicateType);
      return key.signStatement(statement, signal);
    },
  };
  const verifier = createBundleVerifier({ signers: [{ ...key.identity, id: "local" }], now: () => new Date() });
  const { runner, calls } = fakeJobRunner({ bootPasses: () => fails !== "boot", texts: Object.fromEntries(OUTPUT) });
  const output = join(folder, "out");
  for (const [path, text] of OUTPUT) {
    await mkdir(dirname(join(output, path)), { recursive: true });
    await writeFile(join(output, path), text);
  }
  const comparison = report(fails === "differ" ? "NotReproducible" : "Reproduced", release.version);
  const artifacts = [...OUTPUT].map(([path, text]) => {
    return { path, sha256: sha256Hex(text), sizeBytes: text.length, fsverityDigest: digestOf(path) };
  });
  let conditions: readonly Condition[] = [];
  const now = new Date("2026-11-26T00:00:00Z");
  const { work } = await assembleRelease(
    {
      arch: async () => ({
        runner: { ...runner, build: async (job, signal) => ({ ...(await runner.build(job, signal)), output }) },
        comparator: { compare: async () => (fails === "differ" ? comparison : { ...comparison, artifacts }) },
        state: { read: async (of) => ({ ...of, reproduced: null, boots: {} }), write: async () => undefined },
        openBootArtifact: async () => ({
          ...{ folder: "/artifact", variant: "kernel-initrd", arch: "amd64", backing: "embedded:/r" },
          ...{ rootDigest: digestOf("root"), medium: { kind: "kernel", kernel: "k", initramfs: "i", commandLine: "" } },
        }),
      }),
      archiveInputs: (_, archive, signal) =>
        archiveInputs(inputs.store, { pathOf: (sha256) => join(folder, sha256) }, archive, signal),
      ...{ images: store.store, inputs: inputs.store, signer, verifier },
      ...{ records: records ?? (await openRecords()), verifierFor: () => verifier, inspect: async () => null },
    },
    {
      release,
      gate: { reproducibility: "Enforce", boot: "Enforce", bootWanted: true },
      ...{ keepRuns: true, parallelBoots: 2, conditions: () => recordedConditions(conditions, now) },
      arches: [
        {
          ...{ release, arch: "amd64", lock: LOCK, toolchain: TOOLCHAIN, sourceDateEpoch: 0, baseImage: null },
          ...{
            imgrel: { version: "0.1.0", commit: null },
            builder: { id: LOCAL_BUILDER, version: {}, image: null },
            builderImage: null,
          },
          ...{ invocationId: ({ run }) => `local:${run}`, repository: store.store.name, plan: planOf(release) },
          targets: [{ variant: "kernel-initrd", platformName: null, firmwareRef: null }],
        },
      ],
    },
    forever,
  );
  let archived = false;
  const part: typeof work = {
    observe: async (running) => ({ ...(await work.observe(running)), inputsArchived: archived }),
    act: async (action, signal) => {
      if (action.kind === "archive-inputs") archived = true;
      else await work.act(action, signal);
    },
  };
  const { outcome } = await reconcile(part, forever, (decided) => {
    conditions = withDecision(conditions, decided, now);
  });
  return { outcome, calls, writes: store.writes, signed };
}

const recordOf = async () =>
  readRecord("demo", await (await (await openRecords()).tip()).readDirectory("records/demo"));
const BUILT = ["finished 1", "finished 2", "build 1", "build 2"];

describe("a release whose runs differ", () => {
  it("leaves one commit with its status and the report, and nothing else", async () => {
    const { outcome, writes, signed } = await attempt("differ");
    expect(outcome).toMatchObject({ kind: "stopped", code: "NotReproducible" });
    const record = await recordOf();
    const message = "amd64: runs 1 and 2 differ, first in amd64/x";
    expect(record.failure).toEqual({ step: "Reproducible", class: "Verdict", reason: "NotReproducible", message });
    expect(record.status.targets).toEqual([{ arch: "amd64", variant: "kernel-initrd" }]);
    const reasons = Object.fromEntries(record.status.conditions.map(({ type, reason }) => [type, reason]));
    expect(reasons).toMatchObject({
      ...{ Ready: "NotReproducible", Stalled: "NotReproducible", Reproducible: "NotReproducible" },
      ...{ Built: "Succeeded", Recorded: "Pushed" },
    });
    expect(reasons).not.toHaveProperty("Signed");
    expect(record.diffs.map(({ arch }) => arch)).toEqual(["amd64"]);
    expect(JSON.parse(record.diffs[0]?.json ?? "")).toEqual(report("NotReproducible", RELEASE.version));
    expect(record.diffs[0]?.text).toContain("run 1 has it, run 2 lacks it");
    expect(await git("ls-tree", "-r", "--name-only", "release-records")).toBe(
      ["records/demo/diff/amd64.json", "records/demo/diff/amd64.txt", "records/demo/status.yaml"].join("\n"),
    );
    const messages = await messagesOf(remote);
    expect(messages.map((text) => text.split("\n")[0])).toEqual(["demo: 2026.11.23-1 failed: NotReproducible"]);
    expect(messages.flatMap(parseRecordTrailers)).toMatchObject([{ release: "demo", specDigest: RELEASE.specDigest }]);
    expect([writes, signed]).toEqual([[], []]); // neither stored nor signed, tagged nor published
  });

  it("is not built, booted or recorded again, in whatever state folder", async () => {
    const first = await attempt("differ");
    const tip = await git("rev-parse", "release-records");
    const second = await attempt("differ");
    expect(second.outcome).toEqual(first.outcome);
    expect(second.calls.filter((call) => !call.startsWith("finished"))).toEqual([]);
    expect(await git("rev-parse", "release-records")).toBe(tip);
  });

  it("is recorded once by two processes that find out at the same time", async () => {
    const outcomes = await Promise.all([attempt("differ"), attempt("differ")]);
    expect(new Set(outcomes.map(({ outcome }) => JSON.stringify(outcome))).size).toBe(1);
    expect(await messagesOf(remote)).toHaveLength(1);
  });

  it("has one record, where another process wrote it after this one had looked", async () => {
    await attempt("differ");
    const failure = verdict("Reproducible", "NotReproducible", "amd64: found a moment later");
    const late = { release: RELEASE, conditions: [], failure, targets: [], diffs: [] };
    await writeFailure(await openRecords(), late);
    expect(await messagesOf(remote)).toHaveLength(1);
    expect((await recordOf()).failure?.message).not.toContain("a moment later");
  });

  it("is tried again if its record could not be written: what stood in the way is no verdict", async () => {
    const records = await openRecords();
    const declined: RecordRepository = {
      ...records,
      commit: async () => {
        throw new ReleaseError("PushDeclined", "the branch is protected", "allow it");
      },
    };
    await expect(attempt("differ", RELEASE, declined)).rejects.toMatchObject({ code: "PushDeclined" });
    expect(await git("for-each-ref")).toBe("");
    const again = await attempt("differ");
    expect(again.calls.slice(0, BUILT.length)).toEqual(BUILT);
    expect((await recordOf()).failure?.reason).toBe("NotReproducible");
  });
});

describe("a release that does not boot", () => {
  it("says so in its record, without a report of differences", async () => {
    expect((await attempt("boot")).outcome).toMatchObject({ kind: "stopped", code: "VerificationFailed" });
    const { failure, diffs } = await recordOf();
    const message = "amd64 kernel-initrd did not boot: no agent";
    expect(failure).toEqual({ step: "Verified", class: "Verdict", reason: "VerificationFailed", message });
    expect(diffs).toEqual([]);
  });
});

describe("after a version that failed", () => {
  it("the same version with other content is refused", async () => {
    await attempt("differ");
    const { outcome, calls } = await attempt("boot", { ...RELEASE, specDigest: NEXT.specDigest });
    expect(outcome).toMatchObject({ kind: "stopped", code: "VersionReused" });
    expect(calls.filter((call) => !call.startsWith("finished"))).toEqual([]);
    expect(await messagesOf(remote)).toHaveLength(1);
  });

  it("another one takes its place, and leaves nothing of it; back again it is judged anew", async () => {
    await attempt("differ");
    await attempt("boot", { ...RELEASE, ...NEXT });
    expect(await recordOf()).toMatchObject({ status: { version: NEXT.version }, diffs: [] });
    expect((await attempt("differ")).outcome).toMatchObject({ code: "NotReproducible" });
    expect(await recordOf()).toMatchObject({ status: { version: RELEASE.version }, diffs: [{ arch: "amd64" }] });
    expect(await messagesOf(remote)).toHaveLength(3);
  });

  it("another one that is published has a whole record, without the report of the failed one", async () => {
    await attempt("differ");
    expect((await attempt("not", { ...RELEASE, ...NEXT })).outcome.kind).toBe("recorded");
    expect(await recordOf()).toMatchObject({ failure: null, diffs: [], published: { manifest: { release: NEXT } } });
    const index = JSON.parse(await git("show", "release-records:records/index.json"));
    expect(index).toMatchObject({ version: 1, releases: [{ name: "demo", version: NEXT.version }] });
  });
});

import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { BuildRequest } from "../../builders/contract/build-request.ts";
import { Lock } from "../../builders/contract/lock.ts";
import { PERTURB_VARIABLE, type PerturbStep, TEST_VARIABLE } from "../../builders/contract/perturbation.ts";
import { PLAIN } from "../../builders/contract/variation.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { exec, type Outcome, PLAIN_ENV } from "../../builders/host/exec.ts";
import { INSIDE } from "../../builders/contract/inside.ts";
import { inSandbox } from "../../builders/host/sandbox.ts";
import { ensureToolchain } from "../../builders/host/toolchain.ts";
import { ComparisonReport, type VersionComparison } from "../../controller/domain/comparison-report.ts";
import { parseStatus } from "../../controller/domain/record-status.ts";
import { createComparator } from "../../controller/wiring.ts";
import { imgrel, IMGREL_ENV, PROJECT } from "../imgrel.ts";

// One release whose run 2 a test made wrong, and what becomes of it; then, on its run 1, every perturbation by the builder's own steps from its finished root on, and the comparison.
const cache = cacheRoot(process.env);
const signal = new AbortController().signal;
const Plan = z.object({ plans: z.array(z.object({ request: BuildRequest, toolchain: Lock })) });
let folder = "";
let state = "";
let released: Outcome;
let work = "";
let original = "";
let toolchainRoot = "";

beforeAll(async () => {
  await mkdir(join(cache, "tests"), { recursive: true });
  folder = await mkdtemp(join(cache, "tests", "perturb-"));
  state = join(folder, "state");
  original = join(folder, "original");
  const planned = await imgrel("run", "--plan", "-o", "json", "--state-dir", state);
  expect(planned.exitCode, planned.tail).toBe(0);
  const plan = Plan.parse(JSON.parse(planned.stdout)).plans.find(({ request }) => request.arch === "amd64");
  if (plan === undefined) throw new Error("the demo release has no amd64");
  const { toolchain: lock } = plan;
  released = await exec({
    program: process.execPath,
    args: ["controller/main.ts", "run", "--no-boot", "--state-dir", state],
    cwd: PROJECT,
    env: { ...IMGREL_ENV, [PERTURB_VARIABLE]: "fat", [TEST_VARIABLE]: "1" },
  });
  toolchainRoot = (await ensureToolchain({ lock, cache, project: PROJECT, report: () => undefined, signal })).root;
  work = join(state, "work/demo/amd64/run-1");
  await rename(join(work, "out"), original);
  await mkdir(join(work, "out"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a release whose run 2 was made wrong", () => {
  const repository = () => join(state, "repository.git");
  const git = async (...args: string[]) =>
    (await exec({ program: "git", args: ["--git-dir", repository(), ...args], env: PLAIN_ENV })).stdout;
  const recorded = (file: string) => git("show", `release-records:records/demo/${file}`);

  it("ends with exit code 3, and its record says why and where", async () => {
    expect(released.exitCode, released.tail).toBe(3);
    expect(released.stdout.trimEnd().split("\n").at(-1)).toMatch(
      /^failed demo: nothing is signed or published; record [0-9a-f]{40}$/,
    );
    expect(released.tail).toMatch(/error: amd64: runs 1 and 2 differ, first in amd64\//);
    const { failure, conditions } = parseStatus(await recorded("status.yaml"));
    expect(failure).toMatchObject({ step: "Reproducible", reason: "NotReproducible" });
    expect(conditions).toContainEqual(expect.objectContaining({ type: "Stalled", reason: "NotReproducible" }));
    const report = await recorded("diff/amd64.json");
    expect(report).toBe(await readFile(join(state, "work/demo/amd64/comparison.json"), "utf8"));
    expect(ComparisonReport.parse(JSON.parse(report)).differences[0]).toEqual({ kind: "perturbed", run: 2 });
    expect(await recorded("diff/amd64.txt")).toContain("volume serial");
  });
  it("is neither built nor recorded again, nor with a state folder of its own", async () => {
    const tip = await git("rev-parse", "release-records");
    for (const options of [
      ["--state-dir", state],
      ["--state-dir", join(folder, "other"), "--repository", repository()],
    ]) {
      const again = await imgrel("run", ...options);
      expect(again.exitCode, again.tail).toBe(3);
      expect(again.stdout).toBe(`nothing to do: demo failed; record ${tip}`);
      expect(again.tail).toContain("runs 1 and 2 differ");
    }
    expect(await git("rev-parse", "release-records")).toBe(tip);
    expect(await git("rev-list", "--count", "release-records")).toBe("1\n");
  });
  it("is shown as failed, and not verified", async () => {
    const status = await imgrel("status", "--repo", repository());
    expect(status.stdout).toMatch(/^demo +\S+ +False +False +amd64\/kernel-initrd/m);
    expect(status.stdout).toMatch(/^demo: NotReproducible: amd64: runs 1 and 2 differ/m);
    const verified = await imgrel("verify", "demo", "--repo", repository(), "--policy", join(state, "policy.yaml"));
    expect(verified.exitCode, verified.tail).toBe(1);
    expect(verified.stdout).toContain("demo was not released: NotReproducible");
  });
});

/** Makes `<work>/out` again from the finished root, with one step perturbed or none. */
async function remake(step: PerturbStep | null): Promise<void> {
  const parts = ["builders", "modules.d", "dracut.conf.d", "package.json", "node_modules/zod"];
  const script = "test/system/perturbed-build.ts";
  const outcome = await exec(
    inSandbox(
      {
        rights: "build",
        variation: PLAIN,
        root: toolchainRoot,
        work,
        binds: [
          ...[...parts, script].map((part) => ({ source: join(PROJECT, part), target: `${INSIDE.project}/${part}` })),
          { source: process.execPath, target: INSIDE.node },
          { source: join(cache, "blobs"), target: INSIDE.blobs },
          { source: join(work, "request.json"), target: INSIDE.request },
        ],
        env: {
          ...{ ...PLAIN_ENV, HOME: INSIDE.work, TMPDIR: `${INSIDE.work}/tmp` },
          ...(step === null ? {} : { [PERTURB_VARIABLE]: step, [TEST_VARIABLE]: "1" }),
        },
      },
      INSIDE.node,
      [`${INSIDE.project}/${script}`],
    ),
  );
  expect(outcome.exitCode, outcome.tail).toBe(0);
}

/** Compares the original with what was made again; `perturbed` says which of them is called run 2. */
async function compare(perturbed: 1 | 2): Promise<ComparisonReport> {
  const comparator = await createComparator({ report: () => undefined });
  const outputs = perturbed === 2 ? [original, join(work, "out")] : [join(work, "out"), original];
  const runs = outputs.map((output, index) => ({ run: index + 1, output }));
  return comparator.compare(
    { release: "demo", version: "1", arch: "amd64", runs, folder: join(folder, "report") },
    signal,
  );
}

const KERNEL_INITRD = "amd64/kernel-initrd/initramfs.cpio.zst";
const RAW = "amd64/raw/installer.img";
const QCOW2 = "amd64/qcow2/cloud.qcow2";
const COMPOSEFS = "amd64/root.cfs";

function comparisonOf(report: ComparisonReport, path: string): VersionComparison {
  const found = report.differences.find((one) => one.kind === "content" && one.path === path);
  const comparison = found?.kind === "content" ? found.comparisons[0] : undefined;
  if (comparison === undefined) throw new Error(`${path} is the same in both runs`);
  return comparison;
}

/** Findings as `partition esp > path /EFI/… : aspect`. */
const told = ({ findings }: VersionComparison): string[] =>
  findings.map(({ trail, aspect }) => `${trail.map(({ kind, name }) => `${kind} ${name}`).join(" > ")}: ${aspect}`);
const matching = (pattern: RegExp): string => expect.stringMatching(pattern) as string;

/** Artifacts with their own bytes, not the hashes of others. */
const artifactsThatDiffer = (report: ComparisonReport): string[] =>
  report.differences.flatMap((one) =>
    "path" in one && !/(SHA256SUMS|manifest\.json)$/.test(one.path) ? [one.path] : [],
  );

it("made again without a perturbation, all is the same to the byte", async () => {
  await remake(null);
  expect(await compare(2)).toMatchObject({ verdict: "Reproduced", differences: [] });
});

const ROOT_IN_INITRAMFS = "segment uncompressed cpio [0-9]+ > member powernode/root.erofs";
const ROOT_ON_DISK = "partition powernode-root";
const UKI = "partition esp > path /EFI/BOOT/BOOTX64.EFI";

/** What each perturbation must be called, in each artifact that it reaches. */
const CASES: readonly (readonly [PerturbStep, Readonly<Record<string, readonly RegExp[]>>])[] = [
  [
    "root-file",
    {
      [KERNEL_INITRD]: [new RegExp(`^${ROOT_IN_INITRAMFS} > path /etc/hostname > field word 1: text$`)],
      [RAW]: [
        new RegExp(`^${ROOT_ON_DISK} > path /etc/hostname > field word 1: text$`),
        new RegExp(`^${UKI} > section .cmdline > field powernode.root.fsverity: text$`),
      ],
      [QCOW2]: [new RegExp(`^guest disk > ${ROOT_ON_DISK} > path /etc/hostname > field word 1: text$`)],
      [COMPOSEFS]: [/^path \/etc\/hostname > field word 1: text$/],
    },
  ],
  [
    "root-mtime",
    {
      [KERNEL_INITRD]: [new RegExp(`^${ROOT_IN_INITRAMFS} > structure inode of / > field modification time: data$`)],
      [RAW]: [new RegExp(`^${ROOT_ON_DISK} > structure inode of / > field modification time: data$`)],
    },
  ],
  [
    "cpio-member",
    {
      [KERNEL_INITRD]: [/^segment zstd cpio 1 > member usr\/lib\/dracut\/build-parameter\.txt/],
      [RAW]: [
        new RegExp(`^${UKI} > section .initrd > segment zstd cpio 1 > member usr/lib/dracut/build-parameter.txt`),
        /^partition esp > path \S*initr\S* > segment zstd cpio 1 > member usr\/lib\/dracut\/build-parameter\.txt/,
      ],
    },
  ],
  [
    "erofs",
    {
      [KERNEL_INITRD]: [new RegExp(`^${ROOT_IN_INITRAMFS} > path /.*: data$`)],
      [RAW]: [new RegExp(`^${ROOT_ON_DISK} > path /.*: data$`)],
      [QCOW2]: [new RegExp(`^guest disk > ${ROOT_ON_DISK} > path /.*: data$`)],
    },
  ],
  ["composefs", { [COMPOSEFS]: [/^path \/\S+: trusted\.overlay\.metacopy$/] }],
  [
    "ext4",
    {
      [RAW]: [/^partition persist > structure .*superblock.* > field .*: data$/],
      [QCOW2]: [/^guest disk > partition persist > structure .*superblock.* > field .*: data$/],
    },
  ],
  ["fat", { [RAW]: [/^partition esp > structure FAT boot sector > field volume serial: data$/] }],
  [
    "gpt-guid",
    { [RAW]: [/^partition persist: unique GUID$/], [QCOW2]: [/^guest disk > partition persist: unique GUID$/] },
  ],
  ["uki", { [RAW]: [new RegExp(`^${UKI}: time stamp$`)], [QCOW2]: [new RegExp(`^guest disk > ${UKI}: time stamp$`)] }],
  ["qcow2", { [QCOW2]: [/^structure .*: data$/] }],
];

describe.each(CASES)("a perturbed %s", (step, expected) => {
  let report: ComparisonReport;
  it("is not reproducible, and named in every artifact that it reaches", async () => {
    await remake(step);
    report = await compare(2);
    expect(report.verdict).toBe("NotReproducible");
    expect(report.differences[0]).toEqual({ kind: "perturbed", run: 2 });
    expect(artifactsThatDiffer(report)).toEqual(expect.arrayContaining(Object.keys(expected)));
    for (const [path, patterns] of Object.entries(expected)) {
      const comparison = comparisonOf(report, path);
      for (const pattern of patterns) expect(told(comparison), path).toContainEqual(matching(pattern));
      expect(comparison.runs).toEqual([1, 2]);
    }
  });

  it("is found just so where it was run 1", async () => {
    const first = await compare(1);
    expect(first.differences[0]).toEqual({ kind: "perturbed", run: 1 });
    for (const path of Object.keys(expected)) {
      const [one, other] = [comparisonOf(first, path), comparisonOf(report, path)];
      expect([one.firstOffset, one.ranges, one.differingBytes]).toEqual([
        other.firstOffset,
        other.ranges,
        other.differingBytes,
      ]);
      expect(told(one)).toEqual(told(other));
      expect(one.findings[0]?.values).toEqual(other.findings[0]?.values.toReversed());
    }
  });
});

it("a byte changed after the build is a run whose manifest is not true", async () => {
  const tampered = join(folder, "tampered");
  await cp(original, tampered, { recursive: true });
  const path = join(tampered, "amd64/kernel-initrd/cmdline");
  await writeFile(path, `${await readFile(path, "utf8")} `);
  const comparator = await createComparator({ report: () => undefined });
  const runs = [original, tampered].map((output, index) => ({ run: index + 1, output }));
  const job = { release: "demo", version: "1", arch: "amd64" as const, runs, folder: join(folder, "report") };
  const report = await comparator.compare(job, signal);
  expect(report.verdict).toBe("ManifestMismatch");
  expect(report.faults.every(({ run }) => run === 2)).toBe(true);
});

// npm run bench [-- ROUNDS]: what a build costs above the unavoidable part, mmdebstrap alone on the same packages.
// Rounds interleave the two; user time is the figure to trust, wall time stands beside it. Never an assertion.
import { mkdtemp, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BuildRequest } from "../../builders/contract/build-request.ts";
import type { ProgressEvent } from "../../builders/contract/progress.ts";
import { runBuilder } from "../../builders/host/builder.ts";
import { PLAIN } from "../../builders/contract/variation.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import { INSIDE, inSandbox } from "../../builders/host/sandbox.ts";
import { ensureToolchain } from "../../builders/host/toolchain.ts";
import { MMDEBSTRAP_ENV, mmdebstrapArguments } from "../../builders/steps/root.ts";
import { formatBytes } from "../../controller/domain/format.ts";
import { readToolchainLock } from "../../controller/commands/lock-files.ts";
import { releaseLock } from "../../controller/commands/fetch.ts";
import { readReleaseFolder } from "../../controller/domain/release-folder.ts";
import { openSpecFolder } from "../../controller/wiring.ts";
import { median, watchMachine } from "./machine-state.ts";

type Cost = { user: number; system: number; wall: number; bytes: number };

const project = fileURLToPath(new URL("../..", import.meta.url));
const rounds = Number(process.argv[2] ?? "3");
const cache = cacheRoot(process.env);
const signal = new AbortController().signal;
const spec = "specs/demo";
const files = await openSpecFolder(join(project, spec));
const { release, locks } = readReleaseFolder("demo", spec, await files.read());
const toolchainLock = await readToolchainLock("amd64");
const lock = releaseLock(locks.get("amd64"), spec, "amd64", toolchainLock);
const toolchain = await ensureToolchain({ lock: toolchainLock, cache, project, report: () => undefined, signal });
const work = await mkdtemp(join(cache, "bench-"));

const request: BuildRequest = {
  schemaVersion: 1,
  release: release.metadata.name,
  version: release.spec.version,
  arch: "amd64",
  variants: ["kernel-initrd"],
  kernelPackage: release.spec.inputs.kernelPackage.amd64 ?? "",
  sourceDateEpoch: release.spec.inputs.sourceDateEpoch,
  gitSha: "0".repeat(40),
  baseImageDigest: null,
  aptSnapshot: "20261101T000000Z",
  lock,
};

/** Any tool inside the toolchain, on the folder of the last build. */
async function inside(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Cost> {
  const outcome = await exec(
    inSandbox(
      {
        rights: "build",
        variation: PLAIN,
        root: toolchain.root,
        work,
        binds: [{ source: join(cache, "blobs"), target: INSIDE.blobs }],
        env: { ...PLAIN_ENV, HOME: INSIDE.work, TMPDIR: `${INSIDE.work}/tmp`, SOURCE_DATE_EPOCH: "1795392000", ...env },
      },
      program,
      args,
    ),
  );
  if (outcome.exitCode !== 0) throw new Error(`${program}: ${outcome.tail}`);
  return { user: outcome.userSeconds, system: outcome.systemSeconds, wall: outcome.wallSeconds, bytes: 0 };
}

async function wholeBuild(): Promise<Map<string, Cost>> {
  const costs = new Map<string, Cost>();
  const report = (event: ProgressEvent) => {
    if (event.event !== "finished") return;
    const { userSeconds: user, systemSeconds: system, wallSeconds: wall, bytes = 0 } = event;
    costs.set(event.step, { user, system, wall, bytes });
  };
  const outcome = await runBuilder({
    ...{ toolchainRoot: toolchain.root, work, cache, project, command: "build" as const, request, report, signal },
  });
  const total = { user: outcome.userSeconds, system: outcome.systemSeconds, wall: outcome.wallSeconds, bytes: 0 };
  return costs.set("the whole builder", total);
}

const line = (name: string, cost: Cost, baseline: number): string =>
  [
    name.padEnd(22),
    `user ${cost.user.toFixed(1).padStart(6)} s`,
    `system ${cost.system.toFixed(1).padStart(5)} s`,
    `wall ${cost.wall.toFixed(1).padStart(6)} s`,
    cost.bytes > 0 ? formatBytes(cost.bytes).padStart(10) : " ".repeat(10),
    `user / mmdebstrap ${(cost.user / baseline).toFixed(2)}`,
  ].join("  ");

const ratios = { steps: [] as number[], whole: [] as number[] };
try {
  for (let round = 1; round <= rounds; round += 1) {
    const machine = watchMachine();
    const build = await wholeBuild();
    await rm(join(work, "baseline"), { recursive: true, force: true });
    const baseline = await inside(
      "mmdebstrap",
      mmdebstrapArguments(lock, `${INSIDE.work}/repository`, `${INSIDE.work}/baseline`),
      MMDEBSTRAP_ENV,
    );
    console.log(`round ${round} of ${rounds}: ${machine()}`);
    console.log(line("mmdebstrap alone", baseline, baseline.user));
    for (const [step, cost] of build) console.log(line(step, cost, baseline.user));
    const steps = ["root", "root-image", "initramfs"].reduce((sum, step) => sum + (build.get(step)?.user ?? 0), 0);
    ratios.steps.push(steps / baseline.user);
    ratios.whole.push((build.get("the whole builder")?.user ?? 0) / baseline.user);
  }
  console.log(
    `median of ${rounds}: root + root image + initramfs ${median(ratios.steps).toFixed(2)} x mmdebstrap alone`,
  );
  console.log(`median of ${rounds}: the whole builder ${median(ratios.whole).toFixed(2)} x mmdebstrap alone`);

  const size = async (name: string) => (await stat(join(work, name))).size;
  await inside("mkfs.erofs", [
    "--quiet",
    "-zlz4hc,9",
    "-C65536",
    "-T0",
    `${INSIDE.work}/reference.erofs`,
    `${INSIDE.work}/root`,
  ]);
  await inside("zstd", ["-q", "-d", "-f", "-o", `${INSIDE.work}/initramfs.cpio`, `${INSIDE.work}/initramfs.img`]);
  await inside("zstd", ["-q", "-3", "-f", "-o", `${INSIDE.work}/reference.zst`, `${INSIDE.work}/initramfs.cpio`]);
  const image = (await size("root.erofs")) / (await size("reference.erofs"));
  const initramfs = (await size("initramfs.img")) / (await size("reference.zst"));
  console.log(
    `sizes: root image ${image.toFixed(3)} x erofs lz4hc,9 -C65536; initramfs ${initramfs.toFixed(3)} x zstd -3`,
  );
} finally {
  await rm(work, { recursive: true, force: true });
}

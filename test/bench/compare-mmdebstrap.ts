import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ProgressEvent } from "../../builders/contract/progress.ts";
import { PLAIN } from "../../builders/contract/variation.ts";
import { runBuilder } from "../../builders/host/builder.ts";
import { exec, type Outcome, PLAIN_ENV } from "../../builders/host/exec.ts";
import { INSIDE } from "../../builders/contract/inside.ts";
import { inSandbox } from "../../builders/host/sandbox.ts";
import { DPKG_OPTIONS, MMDEBSTRAP_ENV, mmdebstrapArguments } from "../../builders/steps/root.ts";
import { formatBytes } from "../../controller/domain/format.ts";
import { PROJECT } from "../imgrel.ts";
import { benchFolder, CACHE, demoRelease, SIGNAL } from "./demo.ts";
import { describeUse, median, quietRounds, watchMachine } from "./machine-state.ts";

type Cost = Pick<Outcome, "userSeconds" | "systemSeconds" | "wallSeconds"> & { readonly bytes?: number | undefined };

const line = (name: string, cost: Cost, baseline: number): string =>
  [
    `  ${name.padEnd(18)}`,
    `user ${cost.userSeconds.toFixed(1).padStart(5)} s`,
    `system ${cost.systemSeconds.toFixed(1).padStart(5)} s`,
    `wall ${cost.wallSeconds.toFixed(1).padStart(5)} s`,
    (cost.bytes === undefined ? "" : formatBytes(cost.bytes)).padStart(10),
    `user / mmdebstrap ${(cost.userSeconds / baseline).toFixed(2)}`,
  ].join("  ");

/**
 * What a build of one artifact costs above the unavoidable part, mmdebstrap alone on the same packages, and how large
 * its images are against the plainest tools. Both in memory, interleaved; user time is the figure to trust.
 */
export async function compareWithMmdebstrap(rounds: number): Promise<void> {
  const { request, toolchain, lock } = await demoRelease(["kernel-initrd"]);
  await using folder = await benchFolder("memory");
  const work = join(folder.path, "imgrel");

  /** Any tool of the toolchain, on the folder of the last build. */
  const inside = async (program: string, args: readonly string[], env = {}): Promise<Outcome> => {
    const sandbox = {
      ...{ rights: "build" as const, variation: PLAIN, root: toolchain.root, work },
      binds: [{ source: join(CACHE, "blobs"), target: INSIDE.blobs }],
      env: { ...PLAIN_ENV, HOME: INSIDE.work, TMPDIR: `${INSIDE.work}/tmp`, SOURCE_DATE_EPOCH: "1795392000", ...env },
    };
    const outcome = await exec(inSandbox(sandbox, program, args));
    if (outcome.exitCode !== 0) throw new Error(`${program}: ${outcome.tail}`);
    return outcome;
  };
  const build = async () => {
    const steps: Extract<ProgressEvent, { event: "finished" }>[] = [];
    const whole = await runBuilder({
      ...{ toolchainRoot: toolchain.root, work, cache: CACHE, project: PROJECT, command: "build", request },
      report: (event) => void (event.event === "finished" && steps.push(event)),
      signal: SIGNAL,
    });
    return { steps, whole };
  };
  const mmdebstrap = async () => {
    await rm(join(work, "baseline"), { recursive: true, force: true });
    const options = ["force-unsafe-io", ...DPKG_OPTIONS].map((option) => `--dpkgopt=${option}`);
    const places = [`${INSIDE.work}/repository`, `${INSIDE.work}/baseline`] as const;
    return inside("mmdebstrap", mmdebstrapArguments(lock, ...places, options), MMDEBSTRAP_ENV);
  };

  const results = await quietRounds(rounds, async (number) => {
    const machine = watchMachine();
    const { steps, whole } = await build();
    const baseline = await mmdebstrap();
    const use = machine([whole, baseline].reduce((sum, one) => sum + one.userSeconds + one.systemSeconds, 0));
    console.log(`round ${number}: ${describeUse(use)}`);
    console.log(line("mmdebstrap alone", baseline, baseline.userSeconds));
    for (const step of steps) console.log(line(step.step, step, baseline.userSeconds));
    console.log(line("the whole builder", whole, baseline.userSeconds));
    const made = steps.filter(({ step }) => ["root", "root-image", "initramfs"].includes(step));
    const parts = made.reduce((sum, { userSeconds }) => sum + userSeconds, 0);
    return { parts: parts / baseline.userSeconds, whole: whole.userSeconds / baseline.userSeconds, uses: [use] };
  });
  const ratio = (of: (result: { parts: number; whole: number }) => number) => median(results.map(of)).toFixed(2);
  console.log(
    `imgrel / mmdebstrap alone, user, medians of ${results.length}: root, root image and initramfs ${ratio(({ parts }) => parts)}; the whole builder ${ratio(({ whole }) => whole)}`,
  );

  const size = async (name: string) => (await stat(join(work, name))).size;
  await inside("mkfs.erofs", ["--quiet", "-zlz4hc,9", "-C65536", "-T0", "reference.erofs", "root"]);
  await inside("zstd", ["-q", "-d", "-f", "-o", "initramfs.cpio", "initramfs.img"]);
  await inside("zstd", ["-q", "-3", "-f", "-o", "reference.zst", "initramfs.cpio"]);
  const image = (await size("root.erofs")) / (await size("reference.erofs"));
  const initramfs = (await size("initramfs.img")) / (await size("reference.zst"));
  console.log(
    `sizes: root image ${image.toFixed(3)} x erofs lz4hc,9 -C65536; initramfs ${initramfs.toFixed(3)} x zstd -3`,
  );
}

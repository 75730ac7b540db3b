import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Outcome } from "../../builders/host/exec.ts";
import { runBuilder } from "../../builders/host/builder.ts";
import { PROJECT } from "../imgrel.ts";
import { benchFolder, CACHE, demoRelease, SIGNAL } from "./demo.ts";
import { describeUse, type MachineUse, median, quietRounds, watchMachine } from "./machine-state.ts";
import { describeMkosiDisk, mkosiRoot, prepareMkosi, runMkosi } from "./mkosi.ts";

type Measured = { readonly outcome: Outcome; readonly use: MachineUse };

async function measured(work: () => Promise<Outcome>): Promise<Measured> {
  const machine = watchMachine();
  const outcome = await work();
  return { outcome, use: machine(outcome.userSeconds + outcome.systemSeconds) };
}

const shown = (name: string, { outcome, use }: Measured): string =>
  [
    `  ${name.padEnd(8)}`,
    `user ${outcome.userSeconds.toFixed(1).padStart(5)} s`,
    `system ${outcome.systemSeconds.toFixed(1).padStart(5)} s`,
    `wall ${outcome.wallSeconds.toFixed(1).padStart(5)} s`,
    describeUse(use),
  ].join("  ");

/**
 * One run of the builder, the demo release's three amd64 variants, against mkosi making one erofs disk of the same
 * packages (test/bench/mkosi/README.md). Both from warm caches, in memory, interleaved.
 */
export async function compareWithMkosi(rounds: number): Promise<void> {
  const { request, toolchain, lock } = await demoRelease(["kernel-initrd", "raw", "qcow2"]);
  const mkosi = await mkosiRoot();
  await using folder = await benchFolder("memory");
  const [ours, theirs] = [join(folder.path, "imgrel"), join(folder.path, "mkosi")];
  const build = async () => {
    await rm(ours, { recursive: true, force: true });
    return runBuilder({
      ...{ toolchainRoot: toolchain.root, work: ours, cache: CACHE, project: PROJECT, command: "build", request },
      ...{ report: () => undefined, signal: SIGNAL },
    });
  };
  // the first of each warms the caches and is not counted
  await build();
  await mkdir(theirs);
  await prepareMkosi(theirs, mkosi.root, lock, await readFile(join(ours, "repository/Packages"), "utf8"));
  await runMkosi(theirs, mkosi.root);
  console.log(`mkosi ${mkosi.version}: ${await describeMkosiDisk(theirs, lock)}`);
  const results = await quietRounds(rounds, async (number) => {
    console.log(`round ${number}`);
    const imgrel = await measured(build);
    console.log(shown("imgrel", imgrel));
    const other = await measured(() => runMkosi(theirs, mkosi.root));
    console.log(shown("mkosi", other));
    return { imgrel, other, uses: [imgrel.use, other.use] };
  });
  const ratio = (of: (outcome: Outcome) => number) =>
    (
      median(results.map(({ imgrel }) => of(imgrel.outcome))) / median(results.map(({ other }) => of(other.outcome)))
    ).toFixed(2);
  console.log(
    `imgrel / mkosi, medians of ${results.length}: user ${ratio(({ userSeconds }) => userSeconds)} (target 1.30), wall ${ratio(({ wallSeconds }) => wallSeconds)} (target 0.60)`,
  );
}

import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { stableJson } from "../../builders/contract/digest.ts";
import { ARCHES, type Arch, VARIANTS, type Variant } from "../../builders/contract/variant.ts";
import { writeFileAtomic } from "../../builders/host/files.ts";
import { copyFiles } from "../../builders/host/sparse-copy.ts";
import { buildRequest } from "../domain/plan.ts";
import { variantsFor } from "../domain/release.ts";
import { restrictManifest } from "../domain/restrict-manifest.ts";
import { toolchainOf } from "../domain/toolchain-locks.ts";
import { createJobRunner } from "../wiring.ts";
import type { CommandContext } from "./command.ts";
import { LOCAL_CLASS, LOCAL_SOURCE, shortPath } from "./lock-files.ts";
import { alone, type LocalOptions, importRelease, lockFor, refreshImported, workFolder } from "./prepare-release.ts";

type Options = LocalOptions & { readonly arch: Arch; readonly variant?: Variant; readonly output: string };

/** `imgrel build`: one architecture, one variant or all of them, into `<output>/<variant>/<arch>/`. */
async function run(context: CommandContext, options: Options): Promise<void> {
  const { arch } = options;
  const { folder, toolchains, commit, summary } = await refreshImported(context, await importRelease(context, options));
  if (summary !== null) context.stderr(summary);
  const variants = options.variant === undefined ? variantsFor(folder.release.spec, arch) : [options.variant];
  const lock = lockFor(folder, arch);
  const request = buildRequest({ release: folder.release, commit, lock, arch, variants });
  const work = workFolder(resolve(context.cwd, options.stateDir));
  const runner = await createJobRunner({ work, report: context.report, env: context.env });
  const built = await runner.build({ request, run: 1, toolchain: toolchainOf(toolchains, arch) }, context.signal);
  for (const variant of variants) {
    const target = resolve(context.cwd, options.output, variant, arch);
    await copyFiles(join(built.output, arch, variant), target);
    await writeFileAtomic(join(target, "build-manifest.json"), stableJson(restrictManifest(built.manifest, variant)));
    context.stdout(shortPath(context.cwd, target));
  }
}

/** Adds `imgrel build`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("build")
    .description(
      "Build one architecture of a release into a folder: artifacts, SHA256SUMS and manifest per variant. The same " +
        "build as in a release, without boot, comparison or publication.",
    )
    .addOption(new Option("--arch <arch>", "architecture").choices(ARCHES).env("ARCH").makeOptionMandatory())
    .addOption(
      new Option("--variant <variant>", "one variant; all of the release's without it")
        .choices(VARIANTS)
        .env("VARIANT"),
    )
    .option("--output <folder>", "where <variant>/<arch>/ go", "images")
    .option("--spec <folder>", "folder of the release", "specs/demo")
    .option("--class <file>", "the release's class", LOCAL_CLASS)
    .option("--source <file>", "the source that the release comes from", LOCAL_SOURCE)
    .option("--state-dir <folder>", "repository and runs", ".imgrel")
    .action((options: Options) => alone(context, options, () => run(context, options)));
}

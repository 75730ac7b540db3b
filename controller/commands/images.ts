import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { ARCHES, type Arch } from "../../builders/contract/variant.ts";
import { pushArtifact } from "../reconciler/push-artifact.ts";
import {
  createPackageArchive,
  createPackageStore,
  makeImages,
  openImageLayout,
  replaceImageLayout,
} from "../wiring.ts";
import { type CommandContext, type OutputFormat, outputOption } from "./command.ts";
import { fetchLocks, type Wanted, wantedToolchain } from "./fetch.ts";
import { LOCAL_CLASS, PROJECT, readClass, readOwnLock, shortPath } from "./lock-files.ts";

type Options = {
  readonly folder: string;
  readonly class: string;
  readonly arch: Arch;
  readonly output: OutputFormat;
};

/** `imgrel images`: imgrel's own images, from its locks and sources, into an image layout. */
async function run(context: CommandContext, options: Options): Promise<void> {
  const { arch } = options;
  const { cwd, env, report, signal } = context;
  const { spec } = await readClass(resolve(cwd, options.class), cwd);
  const locks = { toolchain: await readOwnLock("toolchain", arch), controller: await readOwnLock("controller", arch) };
  const controller: Wanted = {
    lock: locks.controller,
    what: `the ${arch} image of the controller`,
    remedy: `make its lock anew: imgrel lock --controller --arch ${arch}`,
  };
  const store = await createPackageStore({ archive: await createPackageArchive(spec.archives, env), report, env });
  await fetchLocks(store, [wantedToolchain(locks.toolchain), controller], signal);
  const folder = resolve(cwd, options.folder);
  const digests = await replaceImageLayout(folder, async (fresh, work) => {
    const layout = await openImageLayout(fresh);
    const stored = new Map<string, string>();
    for (const [name, { manifest, sources }] of await makeImages({
      locks,
      work,
      project: PROJECT,
      report,
      signal,
      env,
    })) {
      const digest = await pushArtifact(layout, manifest, sources, signal);
      await layout.tag(`${name}-${arch}`, digest, signal);
      stored.set(name, digest);
    }
    return stored;
  });
  const shown = shortPath(cwd, folder);
  context.stdout(
    options.output === "json"
      ? JSON.stringify({ folder: shown, arch, images: Object.fromEntries(digests) }, null, 2)
      : [...digests].map(([name, digest]) => `${shown}:${name}-${arch} ${digest}`).join("\n"),
  );
}

/** Adds `imgrel images`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("images")
    .description("Make the images of controller, builder and boot from imgrel's own locks, as an OCI image layout.")
    .option("--folder <folder>", "the image layout; one that is there is replaced", ".imgrel/images")
    .option("--class <file>", "class whose archives are used", LOCAL_CLASS)
    .addOption(new Option("--arch <arch>", "architecture").choices(ARCHES).default("amd64").env("ARCH"))
    .addOption(outputOption())
    .action((options: Options) => run(context, options));
}

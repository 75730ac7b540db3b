import { chmod, copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BuildError } from "./contract/build-failure.ts";
import { type BuildManifest, type ManifestArtifact, type RootFile, rootFilePath } from "./contract/build-manifest.ts";
import type { BuildRequest } from "./contract/build-request.ts";
import { type Digest, stableJson } from "./contract/digest.ts";
import { type Lock, lockDigest } from "./contract/lock.ts";
import type { Arch, Variant } from "./contract/variant.ts";
import { writeFileAtomic } from "./host/files.ts";
import { type FileHash, hashFile } from "./host/hash-file.ts";
import { timed } from "./host/step.ts";
import { makeComposefs } from "./steps/composefs.ts";
import { type DiskParts, makeDiskImage } from "./steps/disk-image.ts";
import { makeInitramfs } from "./steps/initramfs.ts";
import { findKernel, type Kernel, kernelVersionOf } from "./steps/kernel.ts";
import { addNodeFiles } from "./steps/node-files.ts";
import { normalizeRoot } from "./steps/normalize-root.ts";
import { layOutRepository } from "./steps/repository.ts";
import { installRoot } from "./steps/root.ts";
import { packRootImage } from "./steps/root-image.ts";
import type { StepContext } from "./steps/tool.ts";
import { MAKERS } from "./variants/registry.ts";
import type { Ingredients } from "./variants/variant-maker.ts";

/** Host name of a booted image; the platform gives a node its own. */
const HOSTNAME = "powernode";

/** Where the shared disk image lies during a run: beside the artifacts, so that one of them can be a link to it. */
const DISK = "out/disk.img";

/** The toolchain that a release's lock names. */
function toolchainOf(lock: Lock): Digest {
  if (lock.toolchain !== null) return lock.toolchain;
  throw new BuildError({
    code: "InvalidRequest",
    step: "request",
    message: "the lock is a toolchain's, not a release's",
    remedy: "make the release's lock: imgrel lock specs/<release>",
  });
}

/** The installed root and its kernel, in `<work>/root`. */
async function makeRoot(context: StepContext, request: BuildRequest) {
  const repository = await timed(context.report, "inputs", async () => ({
    value: await layOutRepository(context, request.lock),
  }));
  return timed(context.report, "root", async () => {
    const outcome = await installRoot(context, request.lock, repository, kernelVersionOf(request.kernelPackage));
    await normalizeRoot(context, HOSTNAME);
    await addNodeFiles(context);
    return { ...outcome, value: await findKernel(context, request.kernelPackage) };
  });
}

/** Root image and initramfs: both read the finished root and neither waits for the other. */
async function makeIngredients(context: StepContext, request: BuildRequest, kernel: Kernel): Promise<Ingredients> {
  const [rootImage, initramfs] = await Promise.all([
    timed(context.report, "root-image", async () => {
      const { image, outcome } = await packRootImage(context, seedOf(request));
      return { ...outcome, bytes: image.hash.sizeBytes, value: image };
    }),
    timed(context.report, "initramfs", async () => {
      const { path, bytes, outcome } = await makeInitramfs(context, kernel);
      return { ...outcome, bytes, value: path };
    }),
  ]);
  return ingredientsOf(context, request, { kernel, initramfs, rootImage });
}

/** What the manifest says of the files that tell of the root. */
type RootFiles = Readonly<Record<RootFile, ManifestArtifact>>;

/** Composefs image and package record of the finished root, which they only read, into `<work>/out/<arch>`. */
export async function makeRootFiles(context: StepContext, arch: Arch): Promise<RootFiles> {
  const pathOf = (key: RootFile): string => join(context.work, "out", rootFilePath(arch, key));
  const status = pathOf("dpkg_status");
  await mkdir(dirname(status), { recursive: true });
  await copyFile(join(context.work, "root/var/lib/dpkg/status"), status);
  const composefs = await timed(context.report, "composefs", async () => {
    const { hash, outcome } = await makeComposefs(context, pathOf("composefs"));
    return { ...outcome, bytes: hash.sizeBytes, value: hash };
  });
  await Promise.all([status, pathOf("composefs")].map((path) => chmod(path, 0o644)));
  return { composefs: saidOf(composefs), dpkg_status: saidOf(await hashFile(status)) };
}

/** A file as the manifest describes it. */
const saidOf = ({ sha256, sizeBytes, fsverity }: FileHash): ManifestArtifact => ({
  sha256,
  size_bytes: sizeBytes,
  fsverity_digest: fsverity.digest,
});

/** What the root image's UUID and all identifiers of a disk are made from. */
export const seedOf = ({ release, version, arch }: BuildRequest): string => `${release}/${version}/${arch}`;

/** Finished parts and what is made of them on demand. */
export function ingredientsOf(
  context: StepContext,
  request: BuildRequest,
  made: Pick<Ingredients, "kernel" | "initramfs" | "rootImage">,
): Ingredients {
  const parts = { seed: seedOf(request), arch: request.arch, ...made };
  return { ...parts, disk: onceMade(context, parts) };
}

/** The disk image that raw and qcow2 share, made when the first of them asks for it. */
function onceMade(context: StepContext, parts: DiskParts): () => Promise<string> {
  let made: Promise<string> | undefined;
  return () =>
    (made ??= timed(context.report, "disk", async () => {
      const path = join(context.work, DISK);
      await makeDiskImage(context, parts, path);
      return { value: path };
    }));
}

/** One variant's files, their SHA256SUMS, and what the manifest says about them, keyed by `<arch>/<variant>/<file>`. */
async function makeVariant(
  context: StepContext,
  ingredients: Ingredients,
  variant: Variant,
): Promise<Record<string, ManifestArtifact>> {
  const make = MAKERS.get(variant);
  if (make === undefined) {
    throw new BuildError({
      code: "InvalidRequest",
      step: variant,
      message: `this builder makes no ${variant}; it makes ${[...MAKERS.keys()].join(", ")}`,
      remedy: "take the target out of the release, or use a newer imgrel",
    });
  }
  const below = `${ingredients.arch}/${variant}`;
  const folder = join(context.work, "out", below);
  await mkdir(folder, { recursive: true });
  const files = (await make(context, ingredients, folder)).toSorted();
  const artifacts: Record<string, ManifestArtifact> = {};
  const describe = async (file: string) => {
    await chmod(join(folder, file), 0o644);
    artifacts[`${below}/${file}`] = saidOf(await hashFile(join(folder, file)));
  };
  for (const file of files) await describe(file);
  const sums = files.map((file) => `${artifacts[`${below}/${file}`]?.sha256}  ${file}\n`).join("");
  await writeFile(join(folder, "SHA256SUMS"), sums);
  await describe("SHA256SUMS");
  return artifacts;
}

/**
 * Every variant from finished ingredients. Leaves the artifacts and `<arch>/build-manifest.json` below `<work>/out` and
 * returns the manifest.
 * @throws BuildError of the step that failed
 */
export async function makeOutputs(
  context: StepContext,
  request: BuildRequest,
  ingredients: Ingredients,
  rootFiles: RootFiles,
): Promise<BuildManifest> {
  const made = await Promise.all(
    request.variants.map((variant) =>
      timed(context.report, variant, async () => {
        const value = await makeVariant(context, ingredients, variant);
        return { bytes: Object.values(value).reduce((sum, artifact) => sum + artifact.size_bytes, 0), value };
      }),
    ),
  );
  const artifacts = Object.fromEntries(made.flatMap((one) => Object.entries(one)));
  await rm(join(context.work, DISK), { force: true });
  const { hash } = ingredients.rootImage;
  const manifest: BuildManifest = {
    schema_version: 1,
    arch: request.arch,
    base_image_digest: request.baseImageDigest,
    apt_snapshot: request.aptSnapshot,
    kernel_version: ingredients.kernel.version,
    git_sha: request.gitSha,
    variants: request.variants.toSorted(),
    artifacts,
    oci_digest: null,
    fsverity_root_hash: hash.fsverity.rootHash,
    root_image: saidOf(hash),
    ...rootFiles,
    lock_digest: lockDigest(request.lock),
    toolchain_digest: toolchainOf(request.lock),
    source_date_epoch: request.sourceDateEpoch,
  };
  await writeFileAtomic(join(context.work, "out", request.arch, "build-manifest.json"), stableJson(manifest));
  return manifest;
}

/**
 * One whole run for one arch: the root, what is made of it side by side, then {@link makeOutputs}.
 * @throws BuildError of the step that failed
 */
export async function build(context: StepContext, request: BuildRequest): Promise<BuildManifest> {
  const kernel = await makeRoot(context, request);
  const [ingredients, rootFiles] = await Promise.all([
    makeIngredients(context, request, kernel),
    makeRootFiles(context, request.arch),
  ]);
  return makeOutputs(context, request, ingredients, rootFiles);
}

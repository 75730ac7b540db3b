import { open, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Digest } from "../../../builders/contract/digest.ts";
import { type Arch, DISK_FILES, diskFormat, type Variant } from "../../../builders/contract/variant.ts";
import { sha256File } from "../../../builders/host/files.ts";
import { KERNEL_HEADER_BYTES, kernelArch, kernelParameter, parseSums } from "../../domain/boot-artifact.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { BootArtifact } from "../../ports/boot-artifact.ts";
import { readDisk } from "./disk-artifact.ts";

export type { BootArtifact };

/** Files that a kernel-initrd artifact has (platform contract, "Variants and artifact names"). */
const KERNEL_INITRD = ["kernel", "initramfs.cpio.zst", "cmdline"] as const;

/** What imgrel boots: each variant with the files that make it up. */
const BOOTABLE: readonly (readonly [Variant, readonly string[]])[] = [
  ["kernel-initrd", KERNEL_INITRD],
  ...Object.entries(DISK_FILES).map(([variant, file]): [Variant, string[]] => [variant as Variant, [file]]),
];

async function checkSums(folder: string, files: readonly string[]): Promise<void> {
  const sums = parseSums(await readFile(join(folder, "SHA256SUMS"), "utf8"));
  for (const file of files) {
    const found = await sha256File(join(folder, file));
    if (sums.get(file) === found) continue;
    throw new ReleaseError(
      "VerificationFailed",
      `${join(folder, file)} is not the file that was built: SHA256SUMS says ${sums.get(file) ?? "nothing"}, it has ${found}`,
      "build or download the artifact again",
    );
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The variant whose files are all in the folder. */
async function variantIn(folder: string): Promise<readonly [Variant, readonly string[]]> {
  for (const [variant, files] of BOOTABLE) {
    const there = await Promise.all([...files, "SHA256SUMS"].map((file) => exists(join(folder, file))));
    if (there.every(Boolean)) return [variant, files];
  }
  const known = BOOTABLE.map(([variant, files]) => `${variant} (${[...files, "SHA256SUMS"].join(", ")})`);
  throw new ReleaseError(
    "Usage",
    `${folder} holds no artifact that imgrel boots; it has not all files of ${known.join(", nor of ")}`,
    "name the folder of an artifact, such as images/raw/amd64, or a file in it",
  );
}

async function readHeader(path: string): Promise<Uint8Array> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(KERNEL_HEADER_BYTES), 0, KERNEL_HEADER_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}

async function kernelFacts(folder: string): Promise<Pick<BootArtifact, "backing" | "medium"> & { arch: Arch | null }> {
  const medium = {
    kind: "kernel" as const,
    kernel: join(folder, "kernel"),
    initramfs: join(folder, "initramfs.cpio.zst"),
    commandLine: (await readFile(join(folder, "cmdline"), "utf8")).trim(),
  };
  const arch = kernelArch(await readHeader(medium.kernel));
  return { arch, backing: "embedded:/powernode/root.erofs", medium };
}

/**
 * Recognises an artifact by its folder, or by any file in it, and checks its SHA256SUMS.
 * @throws ReleaseError NotFound (nothing there), Usage (no artifact that can be booted), VerificationFailed (a hash,
 * or an image that cannot be what imgrel made)
 */
export async function openArtifact(path: string): Promise<BootArtifact> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new ReleaseError("NotFound", `${path} does not exist`, "name an artifact's folder");
  const folder = found.isDirectory() ? path : dirname(path);
  const [variant, files] = await variantIn(folder);
  await checkSums(folder, files);
  const refuse = (what: string): never => {
    throw new ReleaseError("VerificationFailed", `${folder}: ${what}`, "build or download the artifact again");
  };
  const digestIn = (commandLine: string): Digest => {
    const digest = Digest.safeParse(kernelParameter(commandLine, "powernode.root.fsverity"));
    return digest.success ? digest.data : refuse("its command line has no powernode.root.fsverity=sha256:…");
  };
  const name = DISK_FILES[variant];
  if (name !== undefined) {
    const file = join(folder, name);
    const { arch, commandLine, rootPartition, persistMiB } = await readDisk(file);
    const medium = { kind: "disk" as const, file, format: diskFormat(name), persistMiB };
    return { folder, variant, arch, rootDigest: digestIn(commandLine), backing: `partition:${rootPartition}`, medium };
  }
  const { arch, backing, medium } = await kernelFacts(folder);
  if (arch === null) return refuse("kernel is no amd64 or arm64 kernel");
  return {
    folder,
    variant,
    arch,
    rootDigest: digestIn(medium.kind === "kernel" ? medium.commandLine : ""),
    backing,
    medium,
  };
}

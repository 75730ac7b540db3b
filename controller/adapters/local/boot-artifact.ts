import { open, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Digest } from "../../../builders/contract/digest.ts";
import type { Arch, Variant } from "../../../builders/contract/variant.ts";
import { sha256File } from "../../../builders/host/files.ts";
import { KERNEL_HEADER_BYTES, kernelArch, kernelParameter, parseSums } from "../../domain/boot-artifact.ts";
import { ReleaseError } from "../../domain/errors.ts";

/** An artifact found in a folder, its files hashed. */
export type BootArtifact = {
  readonly folder: string;
  readonly variant: Variant;
  readonly arch: Arch;
  /** fs-verity digest of the root image, from the artifact's own command line */
  readonly rootDigest: Digest;
};

/** Files that a kernel-initrd artifact has (platform contract, "Variants and artifact names"). */
const KERNEL_INITRD = ["kernel", "initramfs.cpio.zst", "cmdline"];

async function checkSums(folder: string): Promise<void> {
  const sums = parseSums(await readFile(join(folder, "SHA256SUMS"), "utf8"));
  for (const file of KERNEL_INITRD) {
    const found = await sha256File(join(folder, file));
    if (sums.get(file) === found) continue;
    throw new ReleaseError(
      "VerificationFailed",
      `${join(folder, file)} is not the file that was built: SHA256SUMS says ${sums.get(file) ?? "nothing"}, it has ${found}`,
      "build or download the artifact again",
    );
  }
}

async function readHeader(path: string): Promise<Uint8Array> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(KERNEL_HEADER_BYTES), 0, KERNEL_HEADER_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}

/**
 * Recognises an artifact by its folder, or by any file in it, and checks its SHA256SUMS.
 * @throws ReleaseError NotFound (nothing there), Usage (no artifact that can be booted), VerificationFailed (a hash)
 */
export async function openArtifact(path: string): Promise<BootArtifact> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new ReleaseError("NotFound", `${path} does not exist`, "name an artifact's folder");
  const folder = found.isDirectory() ? path : dirname(path);
  for (const file of [...KERNEL_INITRD, "SHA256SUMS"]) {
    await stat(join(folder, file)).catch((cause: unknown) => {
      throw new ReleaseError(
        "Usage",
        `${folder} holds no artifact that imgrel boots: it has no ${file}`,
        "name the folder of a kernel-initrd artifact, such as images/kernel-initrd/amd64",
        { cause },
      );
    });
  }
  await checkSums(folder);
  const arch = kernelArch(await readHeader(join(folder, "kernel")));
  const rootDigest = Digest.safeParse(
    kernelParameter(await readFile(join(folder, "cmdline"), "utf8"), "powernode.root.fsverity"),
  );
  if (arch === null || !rootDigest.success) {
    const what = arch === null ? "kernel is no amd64 or arm64 kernel" : "cmdline has no powernode.root.fsverity=sha256:…";
    throw new ReleaseError("VerificationFailed", `${folder}: ${what}`, "build or download the artifact again");
  }
  return { folder, variant: "kernel-initrd", arch, rootDigest: rootDigest.data };
}

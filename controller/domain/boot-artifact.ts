import type { Arch } from "../../builders/contract/variant.ts";
import { ReleaseError } from "./errors.ts";
import { parseSumLines } from "./sums.ts";

/** Bytes at the start of a kernel image that its header fits into. */
export const KERNEL_HEADER_BYTES = 1024;

const at = (bytes: Uint8Array, offset: number, length: number): string =>
  new TextDecoder("latin1").decode(bytes.subarray(offset, offset + length));

/**
 * Which machine a kernel image is for: an x86 bzImage has `HdrS` at 0x202 (Linux Documentation/arch/x86/boot.rst), an
 * arm64 Image `ARM\x64` at 56 (Documentation/arch/arm64/booting.rst). Null for anything else.
 */
export function kernelArch(header: Uint8Array): Arch | null {
  if (at(header, 0x202, 4) === "HdrS") return "amd64";
  if (at(header, 56, 4) === "ARMd") return "arm64";
  return null;
}

/** Value of `name=value` on a kernel command line, the last one if it stands there twice; null without it. */
export const kernelParameter = (commandLine: string, name: string): string | null =>
  commandLine
    .trim()
    .split(/\s+/)
    .findLast((word) => word.startsWith(`${name}=`))
    ?.slice(name.length + 1) ?? null;

/**
 * File names and hashes of a SHA256SUMS file, as sha256sum(1) writes it: `<64 hex>  <name>`. A name is one in the same
 * folder.
 * @throws ReleaseError VerificationFailed naming the line that is none
 */
export function parseSums(text: string): ReadonlyMap<string, string> {
  const parsed = parseSumLines(text);
  const beyond = "sums" in parsed ? parsed.sums.findIndex(({ path }) => path.includes("/")) : parsed.line - 1;
  if ("sums" in parsed && beyond < 0) return new Map(parsed.sums.map(({ path, sha256 }) => [path, sha256]));
  throw new ReleaseError(
    "VerificationFailed",
    `SHA256SUMS, line ${beyond + 1}: not a hash, two blanks and a file name: ${text.split("\n")[beyond]?.slice(0, 100)}`,
    "take the artifact's folder as the builder wrote it",
  );
}

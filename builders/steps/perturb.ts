import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { BuildError } from "../contract/build-failure.ts";
import { type PerturbStep, PERTURB_VARIABLE, PERTURBED_FILE, readPerturbation } from "../contract/perturbation.ts";
import { erofsAttributes } from "../readers/erofs-attributes.ts";
import { readErofs } from "../readers/erofs-superblock.ts";
import { walkErofs } from "../readers/erofs-walk.ts";
import { GPT_ENTRY, readGpt } from "../readers/gpt.ts";
import { initramfsSegments } from "../readers/initramfs-members.ts";
import { readPe } from "../readers/pe.ts";
import { openFile } from "../readers/random-access.ts";
import type { StepContext } from "./tool.ts";

/** Changes a file, or what starts at byte `start` of it, and says what it changed. */
type Change = (path: string, start: number) => Promise<string>;

/** Where a run notes that it was perturbed, until its output is complete. */
const noteFile = (work: string): string => join(work, "logs", PERTURBED_FILE);

function unfit(step: PerturbStep, why: string): BuildError {
  const remedy = `unset ${PERTURB_VARIABLE}, or perturb a step that this build has`;
  return new BuildError({ code: "InvalidRequest", step: `perturb ${step}`, message: why, remedy });
}

/**
 * What a test wants made wrong in this run, for its context. Whoever starts the builder has chosen the run already.
 * @throws BuildError InvalidRequest as readPerturbation
 */
export function wantedPerturbation(env: Readonly<Record<string, string | undefined>>): Pick<StepContext, "perturb"> {
  try {
    const wanted = readPerturbation(env);
    return wanted === null ? {} : { perturb: wanted.step };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const remedy = `unset ${PERTURB_VARIABLE}: it is for imgrel's own tests`;
    throw new BuildError({ code: "InvalidRequest", step: "perturb", message, remedy }, { cause: error });
  }
}

async function flip(path: string, at: number): Promise<string> {
  await using file = await open(path, "r+");
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, at);
  const [byte = 0] = buffer;
  if (bytesRead !== 1) throw new RangeError(`${path} has no byte ${at}`);
  await file.write(Buffer.of(byte ^ 1), 0, 1, at);
  return `byte ${at} of ${path}`;
}

const flipAt =
  (at: number): Change =>
  (path, start) =>
    flip(path, start + at);

const flipMiddle: Change = async (path) => {
  await using image = await openFile(path);
  return flip(path, Math.floor(image.size / 2));
};

const flipPartitionGuid: Change = async (path) => {
  await using image = await openFile(path);
  const gpt = await readGpt(image);
  const last = gpt?.partitions.at(-1);
  if (gpt === null || last === undefined) throw unfit("gpt-guid", `${path} has no GPT partition`);
  const guid = GPT_ENTRY.fields.find(({ name }) => name === "unique GUID")?.offset ?? 0;
  return flip(path, gpt.primary.entriesAt + (last.number - 1) * gpt.primary.entryBytes + guid);
};

/** Where overlayfs looks for a file's digest: behind version, length, flags and algorithm (struct ovl_metacopy). */
const DIGEST = { attribute: "trusted.overlay.metacopy", at: 4 } as const;

const flipDigest: Change = async (path) => {
  await using image = await openFile(path);
  const erofs = await readErofs(image);
  if (erofs !== null) {
    for await (const { inode } of walkErofs(image, erofs)) {
      const attributes = await erofsAttributes(image, erofs, inode);
      const digest = attributes.find(({ name }) => name === DIGEST.attribute);
      if (digest !== undefined) return flip(path, digest.at + DIGEST.at);
    }
  }
  throw unfit("composefs", `${path} holds no digest of a file`);
};

const TIME_STAMP_AT = 8; // behind signature, machine and number of sections of the COFF header

const flipTimeStamp: Change = async (path) => {
  await using image = await openFile(path);
  const pe = await readPe(image);
  if (pe === null) throw unfit("uki", `${path} is no PE image`);
  return flip(path, pe.coffAt + TIME_STAMP_AT);
};

/** A text that no boot reads, in the only compressed archive. */
const MEMBER = "usr/lib/dracut/build-parameter.txt";
const LEVEL = 3;

const flipMember: Change = async (path) => {
  const segments = await initramfsSegments(path);
  const segment = segments.find(({ compression }) => compression === "zstd");
  const member = segment?.members.find(({ name }) => name === MEMBER);
  if (segment === undefined || member === undefined || segment !== segments.at(-1)) {
    throw unfit("cpio-member", `${path} does not end in a zstd archive with ${MEMBER}`);
  }
  const bytes = await readFile(path);
  const archive = zstdDecompressSync(bytes.subarray(segment.offset, segment.offset + segment.storedBytes));
  archive[member.dataOffset] = (archive[member.dataOffset] ?? 0) ^ 1;
  const params = { [constants.ZSTD_c_compressionLevel]: LEVEL };
  await writeFile(path, Buffer.concat([bytes.subarray(0, segment.offset), zstdCompressSync(archive, { params })]));
  return `byte 0 of member ${MEMBER} of ${path}`;
};

const EXT4_MADE_AT = 1024 + 0x108; // s_mkfs_time of the superblock
const FAT32_SERIAL_AT = 67;
const QCOW2_FEATURE_NAME_AT = 112 + 8 + 2; // header, head of the first extension, type and bit of its first name

const CHANGES: Readonly<Record<Exclude<PerturbStep, "root-mtime">, Change>> = {
  "root-file": flipAt(0),
  "cpio-member": flipMember,
  erofs: flipMiddle,
  composefs: flipDigest,
  ext4: flipAt(EXT4_MADE_AT),
  fat: flipAt(FAT32_SERIAL_AT),
  "gpt-guid": flipPartitionGuid,
  uki: flipTimeStamp,
  qcow2: flipAt(QCOW2_FEATURE_NAME_AT),
};

async function tell(context: StepContext, step: PerturbStep, what: string): Promise<void> {
  const text = `${PERTURB_VARIABLE}=${step}: changed ${what} on purpose; this run can never be released`;
  context.report({ event: "started", step: `perturb ${step}`, text });
  context.report({
    ...{ event: "finished", step: `perturb ${step}`, text, wallSeconds: 0, userSeconds: 0, systemSeconds: 0 },
  });
  await mkdir(join(context.work, "logs"), { recursive: true });
  await writeFile(noteFile(context.work), `${step}: ${what}\n`, { flag: "a" });
}

/**
 * Changes one byte of what a step just made, at `start` of the file, if a test asked for that step; does nothing else,
 * ever.
 * @throws BuildError InvalidRequest if what was made is not what the test takes it for
 */
export async function perturb(
  context: StepContext,
  step: Exclude<PerturbStep, "root-mtime">,
  path: string,
  start = 0,
): Promise<void> {
  if (context.perturb !== step) return;
  await tell(context, step, await CHANGES[step](path, start));
}

/** The time stamp for a root image: the epoch, or a second more if a test asked for that. */
export async function perturbedEpoch(context: StepContext): Promise<number> {
  if (context.perturb !== "root-mtime") return context.epoch;
  await tell(context, "root-mtime", `the time stamp of the root image to ${context.epoch + 1}`);
  return context.epoch + 1;
}

/**
 * Marks the output of a perturbed run, `<work>/out/<arch>`, so that no comparison passes it; does nothing to others.
 * @throws BuildError InvalidRequest if a test asked for a step that this run did not have
 */
export async function markPerturbed(context: StepContext, arch: string): Promise<void> {
  if (context.perturb === undefined) return;
  const note = await readFile(noteFile(context.work), "utf8").catch(() => undefined);
  if (note === undefined) throw unfit(context.perturb, `no step of this build made a ${context.perturb} to perturb`);
  await writeFile(join(context.work, "out", arch, PERTURBED_FILE), note);
}

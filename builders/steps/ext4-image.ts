import { MIB } from "./disk-layout.ts";
import { perturb } from "./perturb.ts";
import { runTool, type StepContext } from "./tool.ts";

export type Ext4Image = {
  /** the file that holds it, and where: zeros so far */
  readonly path: string;
  readonly startMiB: number;
  readonly sizeMiB: number;
  readonly label: string;
  readonly uuid: string;
  /** seeds the hashes of folder indexes */
  readonly hashSeed: string;
};

/**
 * The features, all of them: mke2fs's own defaults change with its version. `verity` lets the kernel seal the objects
 * of module layers; no orphan_file and no metadata_csum_seed, which older tools of rescue systems refuse.
 */
const FEATURES = [
  "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file",
  "huge_file,dir_nlink,extra_isize,metadata_csum,verity",
].join(",");

/** 2^31 blocks, 8 TiB: block descriptors up to there are reserved, so that it grows while it is mounted. */
const GROWS_TO_BLOCKS = 2 ** 31 - 1;

const BLOCK_BYTES = 4096;

/** Enough for a large disk: a journal does not grow with its file system. */
const JOURNAL_MIB = 32;

/**
 * Makes an empty ext4 in a place of a file, such as a partition of a disk image: 4096-byte blocks whatever its size,
 * since it grows and fs-verity wants pages.
 * @throws BuildError as runTool
 */
export async function makeExt4Image(context: StepContext, step: string, image: Ext4Image): Promise<void> {
  const start = image.startMiB * MIB;
  const extended = [
    `offset=${start}`,
    `hash_seed=${image.hashSeed}`,
    `resize=${GROWS_TO_BLOCKS}`,
    "lazy_itable_init=0,lazy_journal_init=0,nodiscard,root_owner=0:0",
  ].join(",");
  await runTool(context, {
    step,
    program: "mke2fs",
    // zeros are written, not asked of the file system: what that does and sets aside is its own matter, and the
    // superblock counts it. They become holes below
    env: { UNIX_IO_NOZEROOUT: "1" },
    args: [
      ...["-q", "-F", "-t", "ext4", "-b", String(BLOCK_BYTES), "-I", "256", "-i", "16384", "-m", "1", "-O", FEATURES],
      ...["-J", `size=${JOURNAL_MIB}`, "-L", image.label, "-U", image.uuid, "-E", extended],
      ...[image.path, String((image.sizeMiB * MIB) / BLOCK_BYTES)],
    ],
  });
  const place = ["--offset", String(start), "--length", String(image.sizeMiB * MIB)];
  await runTool(context, { step, program: "fallocate", args: ["--dig-holes", ...place, image.path] });
  await perturb(context, "ext4", image.path, start);
}

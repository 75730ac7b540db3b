import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { uuidFromName } from "../contract/digest.ts";
import { hashFile, type FileHash } from "../host/hash-file.ts";
import { perturb, perturbedEpoch } from "./perturb.ts";
import { runTool, type StepContext } from "./tool.ts";

/**
 * lz4hc level 9 in 64 KiB clusters: of the compressors measured in docs/reproducibility.md the one whose time is
 * near the uncompressed one's and whose size is near zstd's.
 */
const COMPRESSION = ["-zlz4hc,9", "-C65536"];

/** Per file, by path: what is compressed already is stored as it is. It would not get smaller, only slower. */
const COMPRESS_HINTS = String.raw`0 (\.(xz|zst|gz)|/vmlinuz-[^/]*)$`;

/** The read-only root image and what verifies it. */
export type RootImage = { readonly path: string; readonly hash: FileHash };

/**
 * Packs `<work>/root` as `<work>/root.erofs`, all time stamps the epoch's, owners and modes as installed.
 * @param name what the file system's UUID is made from
 */
export async function packRootImage(context: StepContext, name: string) {
  const path = join(context.work, "root.erofs");
  const epoch = await perturbedEpoch(context);
  const hints = join(context.work, "compress-hints");
  await writeFile(hints, `${COMPRESS_HINTS}\n`);
  const outcome = await runTool(context, {
    step: "root-image",
    program: "mkfs.erofs",
    env: { SOURCE_DATE_EPOCH: String(epoch) }, // mkfs.erofs heeds it more than -T
    args: [
      "--quiet",
      ...COMPRESSION,
      `--compress-hints=${hints}`,
      `-T${epoch}`,
      "--ignore-mtime",
      `-U${uuidFromName(`${name}/root.erofs`)}`,
      path,
      join(context.work, "root"),
    ],
  });
  await perturb(context, "erofs", path);
  const image: RootImage = { path, hash: await hashFile(path) };
  return { image, outcome };
}

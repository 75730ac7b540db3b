import { type DiskLayout, MIB } from "./disk-layout.ts";
import { perturb } from "./perturb.ts";
import { runTool, type StepContext } from "./tool.ts";

const SECTOR_BYTES = 512;
const SECTORS_PER_MIB = MIB / SECTOR_BYTES;

/** The layout as sfdisk(8) reads it: everything it could choose itself is given. */
export const gptScript = (layout: DiskLayout): string =>
  [
    "label: gpt",
    `label-id: ${layout.guid}`,
    "unit: sectors",
    "first-lba: 34",
    `last-lba: ${layout.sizeMiB * SECTORS_PER_MIB - 34}`,
    "table-length: 128",
    `sector-size: ${SECTOR_BYTES}`,
    "",
    ...layout.partitions.map(
      ({ name, type, guid, startMiB, sizeMiB }) =>
        `start=${startMiB * SECTORS_PER_MIB}, size=${sizeMiB * SECTORS_PER_MIB}, type=${type}, uuid=${guid}, name="${name}"`,
    ),
    "",
  ].join("\n");

/**
 * Writes a GPT with its protective MBR into an image file of the layout's size.
 * @throws BuildError as runTool
 */
export async function writePartitionTable(
  context: StepContext,
  step: string,
  image: string,
  layout: DiskLayout,
): Promise<void> {
  await runTool(context, {
    step,
    program: "sfdisk",
    args: ["--quiet", "--no-reread", "--no-tell-kernel", "--wipe=never", "--wipe-partitions=never", image],
    input: gptScript(layout),
  });
  await perturb(context, "gpt-guid", image);
}

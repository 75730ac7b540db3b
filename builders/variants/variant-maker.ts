import type { Arch } from "../contract/variant.ts";
import type { Kernel } from "../steps/kernel.ts";
import type { RootImage } from "../steps/root-image.ts";
import type { StepContext } from "../steps/tool.ts";

/** What all variants of an arch are derived from; made once per run. */
export type Ingredients = {
  readonly arch: Arch;
  readonly kernel: Kernel;
  /** path of the initramfs without a root image in it */
  readonly initramfs: string;
  readonly rootImage: RootImage;
  /** path of the disk image that raw and qcow2 are made from: made at the first call, then the same one */
  readonly disk: () => Promise<string>;
};

/** Writes one variant's files into `folder`, which exists and is empty; returns their names. */
export type VariantMaker = (
  context: StepContext,
  ingredients: Ingredients,
  folder: string,
) => Promise<readonly string[]>;

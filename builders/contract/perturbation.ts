/**
 * Where a test can make one run wrong on purpose, to see that the comparison finds it:
 *
 * - `root-file`: a byte of /etc/hostname in the installed root
 * - `root-mtime`: the time stamp of every file of the root image, by one second. A single file's time in the installed
 *   root would change nothing: mkfs.erofs gives all files one time, and dracut clamps those of the initramfs
 * - `cpio-member`: a byte of a member of the initramfs
 * - `erofs`: a byte in the middle of the finished root image
 * - `composefs`: a byte of a file's digest in the composefs image of the root
 * - `ext4`: when the persist file system says that it was made
 * - `fat`: the volume serial of a FAT file system
 * - `gpt-guid`: the GUID of a disk's last partition
 * - `uki`: the time stamp of the unified kernel image
 * - `qcow2`: a byte of the header of the qcow2 image
 */
export const PERTURB_STEPS = [
  "root-file",
  "root-mtime",
  "cpio-member",
  "erofs",
  "composefs",
  "ext4",
  "fat",
  "gpt-guid",
  "uki",
  "qcow2",
] as const;
export type PerturbStep = (typeof PERTURB_STEPS)[number];

/** `<step>`, or `<step>@<run>`; without a number it is run 2. */
export const PERTURB_VARIABLE = "IMGREL_TEST_PERTURB";
/** Must be 1 beside it: one variable that slipped into an environment makes no release wrong. */
export const TEST_VARIABLE = "IMGREL_TEST";

export type Perturbation = { readonly step: PerturbStep; readonly run: number };

/** What a perturbed run leaves below its output folder, in `<arch>/`: such a run is never the same as another. */
export const PERTURBED_FILE = "PERTURBED";

/**
 * What an environment asks for; null if nothing.
 * @throws RangeError if it asks for something unknown, or without {@link TEST_VARIABLE}
 */
export function readPerturbation(env: Readonly<Record<string, string | undefined>>): Perturbation | null {
  const text = env[PERTURB_VARIABLE];
  if (text === undefined) return null;
  if (env[TEST_VARIABLE] !== "1") {
    throw new RangeError(
      `${PERTURB_VARIABLE} is set, which makes a build wrong on purpose, but ${TEST_VARIABLE} is not 1`,
    );
  }
  const [, name, run = "2"] = /^([a-z0-9-]+)(?:@([1-9]))?$/.exec(text) ?? [];
  const step = PERTURB_STEPS.find((one) => one === name);
  if (step === undefined) {
    throw new RangeError(
      `${PERTURB_VARIABLE} is ${JSON.stringify(text)}; it must be one of ${PERTURB_STEPS.join(", ")}, with @<run> or not`,
    );
  }
  return { step, run: Number(run) };
}

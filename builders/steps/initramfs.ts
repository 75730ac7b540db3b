import { chmod, cp, mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "../contract/build-failure.ts";
import { listInitramfs } from "../readers/initramfs-members.ts";
import type { Kernel } from "./kernel.ts";
import { writeLibraryIndex } from "./library-closures.ts";
import { perturb } from "./perturb.ts";
import { runTool, type StepContext } from "./tool.ts";

/** Below these an initramfs cannot boot: dracut is known to exit with 0 and leave 1,665 bytes. */
const LEAST = { bytes: 8_000_000, members: 500 };

/** Members without which the image cannot find, verify and mount its root. */
const needed = (kernel: Kernel): RegExp[] => [
  /^init$/,
  /(^|\/)hooks\/cmdline\/90-parse-powernode\.sh$/,
  /(^|\/)hooks\/mount\/10-mount-powernode\.sh$/,
  /^usr\/lib\/powernode\/lib\.sh$/,
  /^usr\/lib\/powernode\/disk\.sh$/,
  /^usr\/bin\/fsverity$/,
  /^usr\/s?bin\/veritysetup$/,
  /^usr\/s?bin\/switch_root$/,
  new RegExp(`^usr/lib/modules/${RegExp.escape(kernel.version)}/modules\\.dep$`),
  ...["erofs", "overlay", "loop", "qemu_fw_cfg", "virtio_blk", "virtio_scsi", "nvme", "ahci"].map(
    (name) => new RegExp(`^usr/lib/modules/${RegExp.escape(kernel.version)}/.*/${name}\\.ko(\\.(xz|zst|gz))?$`),
  ),
];

/** What is missing from an initramfs of this size with these members; empty if it can boot. */
export function initramfsFaults(kernel: Kernel, bytes: number, members: readonly string[]): string[] {
  const faults: string[] = [];
  if (bytes < LEAST.bytes) faults.push(`it has ${bytes} bytes, at least ${LEAST.bytes} are needed`);
  if (members.length < LEAST.members)
    faults.push(`it has ${members.length} members, at least ${LEAST.members} are needed`);
  for (const pattern of needed(kernel)) {
    if (!members.some((member) => pattern.test(member))) faults.push(`no member matches ${pattern.source}`);
  }
  return faults;
}

/** Errors that dracut prints and then forgets: it exits with 0 although a file could not be installed. */
const COMPLAINT = /^dracut(-install: ERROR|\[[EF]\])/;

/**
 * Makes `<work>/initramfs.img` with the target's own dracut scripts and modules, in one way for every arch:
 * `--sysroot` at a fixed path, the toolchain's native dracut-install, and an ldd that reads a prepared index instead
 * of running the target's loader (docs/adr/0002). dracut records its command line in
 * usr/lib/dracut/build-parameter.txt: all paths in it are the sandbox's own, so it is the same everywhere.
 * @throws BuildError StepFailed, or OutputInvalid if the result cannot boot although dracut succeeded
 */
export async function makeInitramfs(context: StepContext, kernel: Kernel) {
  const root = join(context.work, "root");
  const index = join(context.work, "ldd");
  const configuration = join(context.work, "dracut.conf.d");
  const temporary = join(context.work, "tmp/dracut");
  const path = join(context.work, "initramfs.img");
  await rm(configuration, { recursive: true, force: true });
  await cp(join(context.project, "dracut.conf.d"), configuration, { recursive: true });
  await mkdir(temporary, { recursive: true });
  await writeLibraryIndex(root, index);
  const complaints: string[] = [];
  const outcome = await runTool(context, {
    step: "initramfs",
    program: join(root, "usr/bin/dracut"),
    args: [
      ...["--force", "--sysroot", root, "--conf", "/dev/null", "--confdir", configuration, "--tmpdir", temporary],
      ...["--kver", kernel.version, "--kmoddir", kernel.modules, path],
    ],
    env: {
      LC_ALL: "C",
      DRACUT_INSTALL: "/usr/lib/dracut/dracut-install",
      DRACUT_LDD: join(context.project, "builders/steps/ldd.sh"),
      LDD_ROOT: root,
      LDD_INDEX: index,
      // extended attributes mean nothing in a cpio, and copying them needs more rights
      DRACUT_NO_XATTR: "1",
    },
    action: (line) => {
      if (COMPLAINT.test(line)) complaints.push(line);
      return /\*\*\* (.+) \*\*\*/.exec(line)?.[1];
    },
  });
  await chmod(path, 0o644);
  await perturb(context, "cpio-member", path);
  const { size } = await stat(path);
  const members = (await listInitramfs(path)).map((member) => member.name);
  const faults = [...complaints, ...initramfsFaults(kernel, size, members)];
  if (faults.length > 0) {
    throw new BuildError({
      code: "OutputInvalid",
      step: "initramfs",
      message: `dracut succeeded, but its initramfs cannot boot: ${faults.join("; ")}`,
      remedy: `read ${join(context.work, "logs/initramfs.log")}`,
      logTail: outcome.tail,
    });
  }
  return { path, bytes: size, outcome };
}

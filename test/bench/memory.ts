import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { PLAIN } from "../../builders/contract/variation.ts";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import { inSandbox } from "../../builders/host/sandbox.ts";
import { formatBytes, formatSeconds } from "../../controller/domain/format.ts";
import { toolchainRoot } from "../toolbox.ts";
import { benchFolder } from "./demo.ts";
import { nodeProcess } from "./own-process.ts";

const GIB = 1024 ** 3;
const TARGET_BYTES = 150 * 1024 * 1024;

/**
 * A disk with a small ESP, a root image of 4 GiB (one file, half of it random, half of it a hole when it was packed) and a
 * persistent file system of 4 GiB with the same file.
 */
const MAKE_DISK = `
mkdir tree files
head -c 2G /dev/urandom >tree/large
truncate -s 4G tree/large
mkfs.erofs --quiet -T0 -U 00000000-0000-4000-8000-000000000001 root.erofs tree
truncate -s 5G persist.img
mke2fs -q -t ext4 -d tree -U 00000000-0000-4000-8000-000000000002 persist.img
echo 'console=ttyS0' >files/cmdline
mkfs.fat -F 32 -C esp.img 65536 >/dev/null
mcopy -i esp.img files/cmdline ::CMDLINE.TXT
mib() { echo $((($(stat -c %s "$1") + 1048575) / 1048576)); }
esp=$(mib esp.img) root=$(mib root.erofs) persist=$(mib persist.img)
mkdir -p run-1/amd64/raw
disk=run-1/amd64/raw/installer.img
truncate -s $((esp + root + persist + 3))M $disk
printf 'label: gpt\\n1M,%sM,U,,\\n%sM,%sM,L,,\\n%sM,%sM,L,,\\n' "$esp" $((1 + esp)) "$root" $((1 + esp + root)) "$persist" |
	sfdisk --quiet $disk
put() { dd if="$1" of=$disk bs=1M seek="$2" conv=notrunc,sparse status=none; }
put esp.img 1
put root.erofs $((1 + esp))
put persist.img $((1 + esp + root))
rm -r tree files ./*.img root.erofs
`;

async function makeDisk(work: string): Promise<string> {
  const root = await toolchainRoot();
  const sandbox = { rights: "build", variation: PLAIN, root, work, binds: [], env: PLAIN_ENV } as const;
  const outcome = await exec(inSandbox(sandbox, "/bin/sh", ["-euc", MAKE_DISK]));
  if (outcome.exitCode !== 0) throw new Error(outcome.tail);
  return join(work, "run-1/amd64/raw/installer.img");
}

/** The most memory of each process that handles artifacts of 4 GiB: hash, compare (a byte differs), inspect. */
export async function memoryWithLargeArtifacts(): Promise<void> {
  await using folder = await benchFolder("disk");
  const work = join(folder.path, "large");
  await mkdir(work);
  const disk = await makeDisk(work);
  const [first, second] = [join(work, "run-1"), join(work, "run-2")];
  await exec({ program: "cp", args: ["-r", "--sparse=always", first, second] });
  {
    await using file = await open(join(second, "amd64/raw/installer.img"), "r+");
    const at = (3 * GIB) / 2; // in the random half of the root image's file
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
    await file.write(Buffer.of((buffer[0] ?? 0) ^ 1), 0, 1, at);
  }
  const step = "test/bench/memory-step.ts";
  const processes: readonly (readonly [string, readonly string[]])[] = [
    ["hash", [step, "hash", disk]],
    ["compare, a byte differs", [step, "compare", first, second]],
    ["imgrel inspect", ["controller/main.ts", "inspect", disk]],
    ["imgrel inspect --files", ["controller/main.ts", "inspect", "--files", "-o", "json", disk]],
  ];
  for (const [name, args] of processes) {
    const { peakBytes, wallSeconds } = await nodeProcess(...args);
    const verdict = peakBytes <= TARGET_BYTES ? "" : "  above the target";
    console.log(`${name.padEnd(24)} ${formatBytes(peakBytes).padStart(10)} in ${formatSeconds(wallSeconds)}${verdict}`);
  }
  console.log(`target ${formatBytes(TARGET_BYTES)} each`);
}

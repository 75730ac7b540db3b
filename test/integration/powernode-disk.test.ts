import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFsverity } from "../../builders/contract/fsverity.ts";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import { PROJECT } from "../imgrel.ts";

// The initramfs' functions for a root image on a partition, run by the host's sh on a made-up /sys and /dev.
const MODULE = join(PROJECT, "modules.d/90powernode");
const OURS = "e21f8880-0812-8f5a-a59e-613e11c0972f";
const OTHER = "11111111-1111-8111-8111-111111111111";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "powernode-disk-"));
  await write("bin/blkid", '#!/bin/sh\nfor last; do :; done\ncat "$last.partuuid"\n', 0o755);
});
afterEach(() => rm(folder, { recursive: true }));

async function write(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content, { mode });
}

const env = () => ({ ...PLAIN_ENV, PATH: `${join(folder, "bin")}:${PLAIN_ENV["PATH"]}` });

/** Runs `script` after both libraries; the console is a file, emergency_shell ends with 9. */
async function shell(script: string, ...args: readonly string[]) {
  const lib = await readFile(join(MODULE, "powernode-lib.sh"), "utf8");
  const disk = await readFile(join(MODULE, "powernode-disk.sh"), "utf8");
  const text = `${lib}\n${disk}`
    .replaceAll("/dev/console", join(folder, "console"))
    .replaceAll("/run/initramfs", join(folder, "initramfs"))
    .replace("POWERNODE_RUN=/run/powernode", `POWERNODE_RUN=${folder}`)
    .replace("POWERNODE_SYS_BLOCK=/sys/class/block", `POWERNODE_SYS_BLOCK=${folder}/class`)
    .replace("POWERNODE_DEV=/dev", `POWERNODE_DEV=${folder}/dev`)
    .replaceAll(/>(?=\S*console)/g, ">>");
  const outcome = await exec({
    program: "sh",
    args: ["-euc", `${text}\nemergency_shell() { exit 9; }\n${script}`, "sh", ...args],
    env: env(),
  });
  return { ...outcome, console: await readFile(join(folder, "console"), "utf8").catch(() => "") };
}

type Part = { readonly name: string; readonly guid: string; readonly content?: Uint8Array; readonly sectors?: number };

/** A disk in /sys and /dev with these partitions, numbered from 1. */
async function disk(name: string, parts: readonly Part[]): Promise<void> {
  await mkdir(join(folder, "class"), { recursive: true });
  await write(`devices/${name}/uevent`, `DEVNAME=${name}\nDEVTYPE=disk\n`);
  await write(`devices/${name}/size`, "2097152\n");
  await symlink(join(folder, "devices", name), join(folder, "class", name));
  for (const [index, part] of parts.entries()) {
    const device = `${name}${index + 1}`;
    const content = part.content ?? new Uint8Array(0);
    await write(`devices/${name}/${device}/uevent`, `DEVTYPE=partition\nPARTN=${index + 1}\nPARTNAME=${part.name}\n`);
    await write(`devices/${name}/${device}/size`, `${part.sectors ?? Math.ceil(content.length / 512)}\n`);
    await symlink(join(folder, "devices", name, device), join(folder, "class", device));
    await write(`dev/${device}`, content);
    await write(`dev/${device}.partuuid`, `${part.guid}\n`);
  }
}

const verityOf = (content: Uint8Array) => {
  const hasher = createFsverity();
  hasher.update(content);
  return hasher.finish();
};

describe("pn_descriptor", () => {
  it("is the descriptor whose SHA-256 is the fs-verity digest", async () => {
    const samples = fc.sample(fc.uint8Array({ minLength: 0, maxLength: 20_000 }), 8);
    for (const content of samples) {
      const { digest, rootHash, size } = verityOf(content);
      const { stdout } = await shell('pn_descriptor "$1" "$2" | sha256sum', String(size), rootHash.slice(7));
      expect(`sha256:${stdout.split(" ")[0]}`).toBe(digest);
    }
  });
  it("holds sizes beyond 32 bits", async () => {
    const { stdout } = await shell("pn_descriptor 1099511627776 ab | head -c 16 | od -An -v -tx1");
    expect(stdout.trim()).toBe("01 01 0c 00 00 00 00 00 00 00 00 00 00 01 00 00");
  });
});

describe("pn_root_partitions", () => {
  beforeEach(async () => {
    await disk("vda", [
      { name: "esp", guid: OTHER },
      { name: "powernode-root", guid: OURS },
    ]);
    await disk("sdb", [{ name: "powernode-root", guid: OTHER }]);
    await disk("sdc", [{ name: "powernode-root-old", guid: OURS }]);
  });
  it("takes the partition with the GUID, on whatever disk, by its GPT name", async () => {
    expect((await shell(`pn_root_partitions ${OURS}`)).stdout).toBe("vda2\n");
    expect((await shell(`pn_root_partitions ${OTHER}`)).stdout).toBe("sdb1\n");
    expect((await shell("pn_root_partitions invalid")).stdout).toBe("");
  });
  it("takes all of that name without a GUID", async () => {
    expect((await shell("pn_root_partitions ''")).stdout).toBe("sdb1\nvda2\n");
  });
});

describe("pn_root_appeared", () => {
  it("waits while there is time and no partition", async () => {
    await mkdir(join(folder, "class"));
    expect((await shell('pn_root_appeared 999999999 ""')).exitCode).toBe(1);
    expect((await shell('pn_root_appeared 0 ""')).exitCode).toBe(0);
    await disk("vda", [{ name: "powernode-root", guid: OURS }]);
    expect((await shell('pn_root_appeared 999999999 ""')).exitCode).toBe(0);
    expect((await shell(`pn_root_appeared 999999999 ${OTHER}`)).exitCode).toBe(1);
  });
});

describe("pn_find_root", () => {
  const image = Buffer.alloc(3 * 4096, 5);
  const { digest, rootHash } = verityOf(image);
  const find = (size: number, guid: string) =>
    shell('pn_find_root "$1" "$2" "$3"; echo "$pn_device $pn_computed"', String(size), digest, guid);

  beforeEach(async () => {
    // answers with the image's real root hash where the device holds it, with another where it does not
    await write("image", image);
    await write(
      "bin/veritysetup",
      `#!/bin/sh
for word; do case $word in --root-hash-file=*) out=\${word#*=} ;; --data-blocks=*) blocks=\${word#*=} ;; esac; done
shift $(($# - 2))
[ "$blocks" = 3 ] || exit 1
: >"$2"
if cmp -s -n 12288 "$1" ${folder}/image; then printf ${rootHash.slice(7)} >"$out"; else printf ${"cd".repeat(32)} >"$out"; fi
`,
      0o755,
    );
  });
  it("verifies exactly the image's bytes, whatever follows them", async () => {
    const content = Buffer.concat([image, Buffer.alloc(4096, 9)]);
    await disk("vda", [{ name: "powernode-root", guid: OURS, content }]);
    expect((await find(image.length, OURS)).stdout).toBe(`vda1 ${digest}\n`);
  });
  it("takes the copy whose digest matches where a disk is there twice", async () => {
    const changed = Buffer.from(image);
    changed[5000] = 6;
    await disk("vda", [{ name: "powernode-root", guid: OURS, content: changed }]);
    await disk("vdb", [{ name: "powernode-root", guid: OURS, content: image }]);
    expect((await find(image.length, OURS)).stdout).toBe(`vdb1 ${digest}\n`);
  });
  it("refuses a changed image with both digests", async () => {
    await disk("vda", [{ name: "powernode-root", guid: OURS, content: Buffer.alloc(image.length) }]);
    const { exitCode, console } = await find(image.length, OURS);
    expect(exitCode).toBe(9);
    expect(console).toContain("the root image is not the one this boot was told to run");
    expect(console).toContain(`expected: ${digest}`);
    expect(console).toMatch(/computed: sha256:[0-9a-f]{64} over 12288 bytes of \S+\/vda1/);
  });
  it("refuses a partition that is too small, and one that cannot be read", async () => {
    await disk("vda", [{ name: "powernode-root", guid: OURS, content: image, sectors: 8 }]);
    expect((await find(image.length, OURS)).console).toContain("has only 4096 bytes");
    await write("bin/veritysetup", "#!/bin/sh\nexit 1\n", 0o755);
    await write("devices/vda/vda1/size", "24\n");
    expect((await find(image.length, OURS)).console).toContain("vda1 cannot be read");
  });
  it("refuses another disk's image if this boot is tied to one", async () => {
    await disk("vda", [{ name: "powernode-root", guid: OTHER, content: image }]);
    const { exitCode, console } = await find(image.length, OURS);
    expect(exitCode).toBe(9);
    expect(console).toContain(`with PARTUUID ${OURS}`);
    expect(console).toContain("found:    vda1");
  });
  it("refuses a size that is no multiple of a block", async () => {
    expect((await find(4097, OURS)).console).toContain("no multiple of 4096");
  });
});

describe("pn_persist_beside", () => {
  it("takes persist of the root's own disk", async () => {
    await disk("sda", [{ name: "persist", guid: OTHER }]);
    await disk("vdb", [
      { name: "powernode-root", guid: OURS },
      { name: "persist", guid: OTHER },
    ]);
    expect((await shell("pn_persist_beside vdb1")).stdout).toBe("vdb2\n");
  });
});

describe("grow-persist", () => {
  /** The script on a disk of `sectors` with persist at 2048, 4096 sectors long. */
  async function grow(sectors: number, device = "vda2") {
    await disk("vda", [
      { name: "powernode-root", guid: OURS },
      { name: "persist", guid: OTHER, sectors: 4096 },
    ]);
    await write("devices/vda/size", `${sectors}\n`);
    await write("devices/vda/vda2/start", "2048\n");
    await write("devices/vda/vda2/partition", "2\n");
    await write("dev/vda", "");
    await write("state", `persist_device=${device}\n`);
    await write("bin/sfdisk", `#!/bin/sh\necho "$(cat) $*" >${folder}/sfdisk.called\n`, 0o755);
    await write("bin/partx", `#!/bin/sh\necho "$*" >${folder}/partx.called\n`, 0o755);
    const script = (await readFile(join(MODULE, "powernode-grow-persist"), "utf8"))
      .replace("/sys/class/block", join(folder, "class"))
      .replace("/run/powernode/root", join(folder, "state"))
      .replaceAll('"/dev/$disk"', `"${folder}/dev/$disk"`);
    const outcome = await exec({ program: "sh", args: ["-c", script], env: env() });
    expect(outcome.exitCode, outcome.tail).toBe(0);
    const called = (tool: string) => readFile(join(folder, `${tool}.called`), "utf8").catch(() => null);
    return { sfdisk: await called("sfdisk"), partx: await called("partx") };
  }
  it("extends the last partition of a larger disk and tells the kernel", async () => {
    const { sfdisk, partx } = await grow(2_097_152);
    expect(sfdisk).toMatch(/^, \+ .*-N 2 \S+\/vda\n$/);
    expect(partx).toMatch(/^--update --nr 2 \S+\/vda\n$/);
  });
  it("does nothing where persist ends a table's size before the disk does", async () => {
    expect(await grow(2048 + 4096 + 2048)).toEqual({ sfdisk: null, partx: null });
  });
  it("does nothing without a persist", async () => {
    expect(await grow(2_097_152, "")).toEqual({ sfdisk: null, partx: null });
  });
});

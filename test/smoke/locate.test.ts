import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { InspectedContent } from "../../builders/contract/inspection.ts";
import { Inspection } from "../../builders/contract/inspection.ts";
import type { Location } from "../../builders/contract/location.ts";
import { guestAccess } from "../../builders/readers/qcow2-clusters.ts";
import { readQcow2 } from "../../builders/readers/qcow2.ts";
import { inspectArtifact } from "../../builders/readers/inspect.ts";
import { locate, locateIn } from "../../builders/readers/locate.ts";
import { openFile, streamOf } from "../../builders/readers/random-access.ts";
import { imgrel } from "../imgrel.ts";
import { runTools, toolchainRoot } from "../toolbox.ts";

// A disk as imgrel makes them, small, from the real tools; then the name of each of its bytes.
const UUID = "11111111-2222-8333-8444-555555555555";
const DISK = "aaaaaaaa-bbbb-8ccc-8ddd-eeeeeeeeeeee";
const MIB = 1024 * 1024;
const AT = { biosBoot: MIB, esp: 2 * MIB, root: 42 * MIB, persist: 50 * MIB, end: 67 * MIB };
let root = "";
let work = "";

const SCRIPT = `
mkdir -p tree/usr/lib/modules/6.1.0 init/powernode persist/var
printf 'marker of the root' > tree/usr/lib/marker
seq 1 90000 > tree/usr/lib/long
printf 'marker of persist' > persist/var/marker
mkfs.erofs --quiet -T1767225600 -U${UUID} plain.erofs tree
mkfs.erofs --quiet -zlz4hc,9 -C65536 -T1767225600 -U${UUID} packed.erofs tree
printf 'marker of the initramfs' > init/marker; cp plain.erofs init/powernode/root.erofs
(cd init; find . -type f | LC_ALL=C sort | cpio --quiet -o -H newc > ../plain.cpio)
(cd tree; find . | cpio --quiet -o -H newc | zstd -q > ../main.cpio.zst)
cat main.cpio.zst > initrd; head -c $(( (4 - $(stat -c %s initrd) % 4) % 4 )) /dev/zero >> initrd; cat plain.cpio >> initrd
stubs=/usr/lib/systemd/boot/efi
printf 'NAME=x\\nPRETTY_NAME="Test System 1"\\n' > os-release
ukify build --efi-arch=x64 --stub=$stubs/addonx64.efi.stub --profile="ID=recovery
TITLE=Recovery" --cmdline="powernode.boot=0" --output=recovery.efi >/dev/null 2>&1
ukify build --efi-arch=x64 --stub=$stubs/linuxx64.efi.stub --linux=$stubs/systemd-bootx64.efi --initrd=initrd --uname=6.1.0 \\
  --os-release=@os-release --profile=ID=main --cmdline="powernode.boot=1" --join-profile=recovery.efi --output=uki.efi >/dev/null 2>&1
printf 'menuentry "Powernode" --id=x {\\n  linux /grub/vmlinuz a=1 b\\n  initrd /grub/initrd\\n}\\n' > grub.cfg
mkfs.fat --invariant -F32 -s1 -n ESP -i 947a01ab -C esp.img 40960 >/dev/null
mmd -i esp.img ::EFI ::EFI/BOOT ::grub; mcopy -i esp.img uki.efi ::EFI/BOOT/BOOTX64.EFI; mcopy -i esp.img grub.cfg ::grub/grub.cfg
truncate -s 16M persist.img; mke2fs -q -F -t ext4 -b 4096 -d persist -U ${UUID} -L persist persist.img
truncate -s ${AT.end} disk.img
sfdisk -q --no-reread --no-tell-kernel disk.img <<END
label: gpt
label-id: ${DISK}
start=1MiB, size=1MiB, type=21686148-6449-6E6F-744E-656564454649, name="bios-boot"
start=2MiB, size=40MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="esp"
start=42MiB, size=8MiB, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=${UUID}, name="powernode-root"
start=50MiB, size=16MiB, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name="persist"
END
dd if=/usr/lib/grub/i386-pc/boot.img of=disk.img bs=1 count=440 conv=notrunc status=none
grub-mkimage -O i386-pc -p /grub -o core.img biosdisk part_gpt fat
put() { dd if=$1 of=disk.img bs=1M seek=$2 conv=notrunc,sparse status=none; }
put core.img 1; put esp.img 2; put packed.erofs 42; put persist.img 50
qemu-img convert -f raw -O qcow2 -S 64k -m 1 disk.img plain.qcow2
qemu-img convert -c -f raw -O qcow2 disk.img zlib.qcow2
qemu-img convert -c -f raw -O qcow2 -o compression_type=zstd disk.img zstd.qcow2
`;

beforeAll(async () => {
  root = await toolchainRoot();
  work = await mkdtemp(join(tmpdir(), "imgrel-locate-"));
  await runTools(root, work, SCRIPT);
});
afterAll(() => rm(work, { recursive: true, force: true }));

const file = (name: string): string => join(work, name);
const names = (locations: readonly Location[]): string[] => locations.map(({ kind, name }) => `${kind} ${name}`);
const disk = async (offset: number): Promise<string[]> => names(await locate(file("disk.img"), offset));

describe("a byte of a disk", () => {
  test.each([
    [0, ["structure protective MBR", "field boot code"]],
    [446 + 4, ["structure protective MBR", "field partition 1 type"]],
    [512, ["structure primary GPT header", "field signature"]],
    [512 + 16, ["structure primary GPT header", "field CRC32 of header"]],
    [512 + 56, ["structure primary GPT header", "field disk GUID"]],
    [512 + 91, ["structure primary GPT header", "field CRC32 of entries"]],
    [1024 + 16, ["structure primary GPT entry of partition 1", "field unique GUID"]],
    [1024 + 2 * 128 + 56, ["structure primary GPT entry of partition 3", "field name"]],
    [AT.end - 512 + 56, ["structure backup GPT header", "field disk GUID"]],
    [AT.end - 512 - 32 * 512 + 128 + 16, ["structure backup GPT entry of partition 2", "field unique GUID"]],
    [AT.end - MIB / 2, ["space outside all partitions"]],
  ])("%d", async (offset, expected) => {
    expect(await disk(offset)).toEqual(["format GPT disk", ...expected]);
  });
  test.each([
    [AT.esp + 67, ["structure FAT boot sector", "field volume serial"]],
    [AT.esp + 512 + 488, ["structure FSInfo sector", "field free clusters"]],
    [AT.esp + 6 * 512 + 71, ["structure backup of the FAT boot sector", "field volume label"]],
    [AT.esp + 32 * 512 + 8, ["structure FAT 1", "field entry of cluster 2"]],
    [AT.esp + 40 * MIB - 600, ["space free cluster"]],
  ])("%d, on the ESP", async (offset, expected) => {
    const found = await disk(offset);
    expect(found.slice(0, 3)).toEqual(["format GPT disk", "partition esp", "format FAT file system"]);
    expect(found.slice(3).map((one) => one.replace(/(free cluster) \d+$/, "$1"))).toEqual(expected);
  });
  test.each([
    [AT.persist + 1024 + 104, ["structure superblock", "field UUID"]],
    [AT.persist + 1024 + 44, ["structure superblock", "field mount time"]],
    [AT.persist + 4096 + 30, ["structure descriptor of group 0", "field checksum"]],
  ])("%d, on persist", async (offset, expected) => {
    expect(await disk(offset)).toEqual([
      "format GPT disk",
      "partition persist",
      "format ext4 file system",
      ...expected,
    ]);
  });
  test.each([
    [AT.root + 1024 + 4, ["structure superblock", "field checksum"]],
    [AT.root + 1024 + 48, ["structure superblock", "field UUID"]],
  ])("%d, in the root image", async (offset, expected) => {
    const way = ["format GPT disk", "partition powernode-root", "format erofs file system"];
    expect(await disk(offset)).toEqual([...way, ...expected]);
  });
});

/** Where each mark stands in a file. */
async function placesOf(name: string, mark: string): Promise<number[]> {
  const bytes = await readFile(file(name));
  const places: number[] = [];
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) places.push(at);
  return places;
}

describe("a byte of a file", () => {
  test("on persist", async () => {
    const [at = -1] = await placesOf("disk.img", "marker of persist");
    const found = await locate(file("disk.img"), at + 3);
    expect(found.at(-1)).toEqual({ kind: "path", name: "/var/marker", offset: 3 });
  });

  test("in the root image of the initramfs of the UKI on the ESP", async () => {
    const places = await placesOf("disk.img", "marker of the root");
    const ways = await Promise.all(places.map((at) => disk(at)));
    expect(ways).toContainEqual([
      "format GPT disk",
      "partition esp",
      "format FAT file system",
      "path /EFI/BOOT/BOOTX64.EFI",
      "format PE image",
      "section .initrd",
      "format initramfs",
      "segment uncompressed cpio 2",
      "member powernode/root.erofs",
      "format erofs file system",
      "path /usr/lib/marker",
    ]);
  });

  test("a member of the initramfs and the fields of its header", async () => {
    const [at = -1] = await placesOf("initrd", "marker of the initramfs");
    expect((await locate(file("initrd"), at + 1)).slice(1)).toEqual([
      { kind: "segment", name: "uncompressed cpio 2", offset: expect.any(Number) },
      { kind: "member", name: "marker", offset: 1 },
    ]);
    const [header = -1] = (await placesOf("initrd", "070701")).slice(-3);
    expect(names(await locate(file("initrd"), header + 46)).slice(2)).toEqual([
      "structure cpio header of marker",
      "field mtime",
    ]);
    expect(names(await locate(file("initrd"), header + 111)).at(-1)).toBe("field name");
    expect(names(await locate(file("initrd"), 100))).toEqual(["format initramfs", "segment zstd cpio 1"]);
  });

  test("fields of a folder's records", async () => {
    const [entry = -1] = await placesOf("disk.img", "BOOTX64 EFI");
    expect((await disk(entry + 22)).slice(3)).toEqual([
      "path /EFI/BOOT",
      "structure directory entry of BOOTX64.EFI",
      "field modification time",
    ]);
    const [record = -1] = (await placesOf("plain.erofs", "marker")).slice(0, 1);
    const found = names(await locate(file("plain.erofs"), record));
    expect(found).toEqual([
      "format erofs file system",
      "path /usr/lib",
      "structure directory entry of marker",
      "field name",
    ]);
  });

  test("fields of inodes", async () => {
    const dump = await runTools(root, work, "debugfs -R 'imap /var/marker' persist.img 2>/dev/null");
    const [, block = "0", offset = "0"] = /located at block (\d+), offset 0x([0-9a-f]+)/.exec(dump) ?? [];
    const at = AT.persist + Number(block) * 4096 + Number.parseInt(offset, 16);
    const [record, field] = (await disk(at + 16)).slice(3);
    expect(record).toMatch(/^structure inode \d+ \(\/var\/marker\)$/);
    expect(field).toBe("field modification time");
    const nid = await runTools(root, work, "dump.erofs --path=/usr/lib/marker plain.erofs | grep -o 'NID: *[0-9]*'");
    const inode = Number(nid.replace(/\D/g, "")) * 32;
    expect(names(await locate(file("plain.erofs"), inode + 4)).slice(1)).toEqual([
      "structure inode of /usr/lib/marker",
      "field mode",
    ]);
  });

  test("compressed bytes are named by the run of bytes that they hold", async () => {
    const dump = await runTools(root, work, "dump.erofs -e --path=/usr/lib/long packed.erofs");
    const extents = [...dump.matchAll(/^\s*\d+:\s+(\d+)\.\.\s*(\d+) \|\s+\d+ :\s+(\d+)\.\.\s*(\d+)/gm)];
    expect(extents.length).toBeGreaterThan(1);
    for (const [from = 0, to = 0, at = 0, end = 0] of extents.map((match) => match.slice(1).map(Number))) {
      for (const offset of [at, end - 1]) {
        expect((await locate(file("disk.img"), AT.root + offset)).slice(-2)).toEqual([
          { kind: "path", name: "/usr/lib/long", offset: from },
          { kind: "cluster", name: `compressed bytes ${from} to ${to}`, offset: offset - at },
        ]);
      }
    }
  });
});

test("every byte of every kind of image has a name, and none makes it fail", async () => {
  for (const name of ["disk.img", "plain.qcow2", "zlib.qcow2", "uki.efi", "initrd", "plain.erofs", "persist.img"]) {
    await using image = await openFile(file(name));
    const step = Math.floor(image.size / 40) + 1;
    for (let offset = 0; offset < image.size; offset += step) {
      const found = await locateIn(image, offset);
      expect([name, offset, found.length > 1, JSON.stringify(found)]).toEqual([
        name,
        offset,
        true,
        expect.not.stringContaining("not readable"),
      ]);
    }
  }
});

describe("qcow2", () => {
  test.each(["plain", "zlib", "zstd"])("%s: the guest's disk is the raw image", async (kind) => {
    await using image = await openFile(file(`${kind}.qcow2`));
    const qcow2 = await readQcow2(image);
    if (qcow2 === null) throw new Error("no qcow2");
    expect(qcow2.compression).toBe(kind === "zstd" ? "zstd" : "zlib");
    await using raw = await open(file("disk.img"));
    let at = 0;
    for await (const chunk of streamOf(guestAccess(image, qcow2))) {
      const { buffer } = await raw.read(Buffer.alloc(chunk.length), 0, chunk.length, at);
      expect([at, Buffer.compare(buffer, chunk)]).toEqual([at, 0]);
      at += chunk.length;
    }
    expect(at).toBe(AT.end);
  });

  test("its tables", async () => {
    await using image = await openFile(file("plain.qcow2"));
    const qcow2 = await readQcow2(image);
    if (qcow2 === null) throw new Error("no qcow2");
    const at = async (offset: number) => names(await locateIn(image, offset)).slice(1);
    expect(await at(24)).toEqual(["structure qcow2 header", "field virtual size"]);
    expect(await at(120)).toEqual(["structure qcow2 header extensions"]);
    expect(await at(qcow2.l1At)).toEqual(["structure qcow2 L1 table", "field entry of guest offset 0"]);
    expect(await at((qcow2.l2Tables[0] ?? 0) + 8 * 16)).toEqual([
      "structure qcow2 L2 table 0",
      `field entry of guest offset ${MIB}`,
    ]);
    expect(await at(qcow2.refcountTableAt)).toEqual([
      "structure qcow2 refcount table",
      "field entry of refcount block 0",
    ]);
  });

  test("a byte of the guest's disk, in place and compressed", async () => {
    const [header = -1] = await placesOf("plain.qcow2", "EFI PART");
    expect(names(await locate(file("plain.qcow2"), header + 56))).toEqual([
      "format qcow2 image",
      "guest disk",
      "format GPT disk",
      "structure primary GPT header",
      "field disk GUID",
    ]);
    await using image = await openFile(file("zlib.qcow2"));
    const ways: string[][] = [];
    for (let offset = 0; offset < image.size; offset += 65_536) ways.push(names(await locateIn(image, offset + 512)));
    expect(
      ways.some(
        ([, cluster, guest]) => cluster?.startsWith("cluster compressed guest bytes") && guest === "guest disk",
      ),
    ).toBe(true);
  });
});

describe("inspect", () => {
  const contentOf = async (name: string): Promise<InspectedContent> => {
    const inspection = Inspection.parse(await inspectArtifact(file(name), { files: true }));
    const content = inspection.artifacts[0]?.content;
    if (content === undefined) throw new Error("no artifact");
    return content;
  };

  test("a disk: partitions, boot entries, file systems", async () => {
    const content = await contentOf("disk.img");
    if (content.format !== "gpt") throw new Error(content.format);
    expect(content).toMatchObject({ id: DISK, bootCode: "grub", faults: [] });
    expect(content.partitions.map(({ name, content: inner }) => [name, inner?.format])).toEqual([
      ["bios-boot", "grub-core"],
      ["esp", "fat"],
      ["powernode-root", "erofs"],
      ["persist", "ext4"],
    ]);
    const [, esp, system, persist] = content.partitions.map((partition) => partition.content);
    expect(esp).toMatchObject({
      label: "ESP",
      uuid: "947A-01AB",
      grubEntries: [{ title: "Powernode", kernel: "/grub/vmlinuz", commandLine: "a=1 b" }],
      holds: [
        {
          path: "/EFI/BOOT/BOOTX64.EFI",
          content: {
            format: "pe",
            machine: "amd64",
            kernelVersion: "6.1.0",
            operatingSystem: "Test System 1",
            profiles: [
              { id: "main", title: null, commandLine: "powernode.boot=1" },
              { id: "recovery", title: "Recovery", commandLine: "powernode.boot=0" },
            ],
          },
        },
      ],
    });
    expect(system).toMatchObject({ uuid: UUID, kernelVersions: ["6.1.0"], compression: ["lz4"], faults: [] });
    expect(system).toMatchObject({
      sha256: (await runTools(root, work, "sha256sum packed.erofs")).slice(0, 64),
      fsverityDigest: (await runTools(root, work, "fsverity digest --compact packed.erofs"))
        .trim()
        .replace(/^/, "sha256:"),
    });
    expect(persist).toMatchObject({ label: "persist", uuid: UUID, faults: [] });
    if (persist?.format !== "ext4") throw new Error("no ext4");
    expect(persist.files).toContainEqual({ path: "/var/marker", type: "file", mode: "0644", sizeBytes: 17 });
  });

  test("the command: a qcow2 as JSON, an initramfs as text, a damaged disk with exit 1", async () => {
    const json = await imgrel("inspect", "-o", "json", file("zstd.qcow2"));
    expect(json.exitCode, json.tail).toBe(0);
    const { artifacts } = Inspection.parse(JSON.parse(json.stdout));
    expect(artifacts[0]?.content).toMatchObject({ format: "qcow2", compression: "zstd", content: { id: DISK } });
    const text = await imgrel("inspect", file("initrd"));
    expect(text.stdout).toMatch(
      /zstd cpio at 0: .*\n.*uncompressed cpio at \d+: .*, 2 members\n\s+powernode\/root.erofs\n/,
    );
    await runTools(
      root,
      work,
      "cp disk.img damaged.img; printf x | dd of=damaged.img bs=1 seek=570 conv=notrunc status=none",
    );
    const damaged = await imgrel("inspect", file("damaged.img"));
    expect(damaged.exitCode).toBe(1);
    expect(damaged.stdout).toContain("FAULT: primary GPT header: its CRC32 is wrong");
    expect(damaged.stdout).toContain("FAULT: backup GPT: it differs from the primary one");
  });
});

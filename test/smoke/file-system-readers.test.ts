import { lstat, mkdtemp, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { walk } from "../../builders/host/tree.ts";
import { usedFatBytes } from "../../builders/readers/fat-chain.ts";
import { fatRootLabel, walkFat } from "../../builders/readers/fat-directory.ts";
import { readFat } from "../../builders/readers/fat.ts";
import { type Erofs, readErofs } from "../../builders/readers/erofs-superblock.ts";
import { type ErofsFile, erofsLinkTarget, walkErofs } from "../../builders/readers/erofs-walk.ts";
import { readExt4 } from "../../builders/readers/ext4-superblock.ts";
import { ext4LinkTarget, walkExt4 } from "../../builders/readers/ext4-walk.ts";
import { fileAccess, type ImageFile } from "../../builders/readers/image-file.ts";
import { openFile, type RandomAccess } from "../../builders/readers/random-access.ts";
import { runTools, toolchainRoot } from "../toolbox.ts";

// Images that the real tools make, read without them.
const UUID = "11111111-2222-8333-8444-555555555555";
let root = "";
let work = "";

/** Files of every kind and size that decide where a file system puts them. */
const TREE = `
mkdir -p tree/usr/bin tree/etc tree/many tree/deep/a/b/c
head -c 300000 /usr/bin/bash > tree/usr/bin/bash; chmod 4755 tree/usr/bin/bash
seq 1 40000 > tree/etc/numbers
printf hello > tree/etc/small; ln tree/etc/small tree/deep/a/hard
: > tree/empty; head -c 4096 /usr/bin/env > tree/exact
head -c 200000 /usr/bin/bash | gzip -9 > tree/random
ln -s ../usr/bin/bash tree/deep/link; ln -s $(printf 'x%.0s' $(seq 1 100)) tree/deep/long-link
mkfifo tree/deep/fifo
for i in $(seq 1 700); do echo "file $i" > tree/many/some-rather-long-name-of-a-file-$i.txt; done
truncate -s 3M tree/sparse; printf end >> tree/sparse
`;
const EROFS = {
  plain: "",
  chunks: "--chunksize 65536",
  "as we pack it": "-zlz4hc,9 -C65536",
  "one block per run": "-zlz4",
  "the full index": "-zlz4hc,9 -Elegacy-compress",
  "inlined tails": "-zzstd,3 -C65536 -Eztailpacking",
  fragments: "-zlz4 -C16384 -Efragments,dedupe",
} as const;
type ErofsKind = keyof typeof EROFS;
const erofsFile = (kind: ErofsKind): string => `${kind.replaceAll(" ", "-")}.erofs`;

beforeAll(async () => {
  root = await toolchainRoot();
  work = await mkdtemp(join(tmpdir(), "imgrel-readers-"));
  const pack = Object.entries(EROFS).map(
    ([kind, options]) =>
      `mkfs.erofs --quiet ${options} -L root -T1767225600 -U${UUID} ${erofsFile(kind as ErofsKind)} tree`,
  );
  await runTools(root, work, [TREE, ...pack, "mkcomposefs --digest-store=objects tree root.cfs"].join("\n"));
});
afterAll(() => rm(work, { recursive: true, force: true }));

/** Checks what can be told of a file against the folder that the image was made from; compressed data is left out. */
async function check(image: RandomAccess, file: ImageFile, target: () => Promise<string>): Promise<void> {
  const source = join(work, "tree", file.path);
  const stats = await lstat(source);
  if (file.mode !== null) expect([file.path, file.mode]).toEqual([file.path, stats.mode & 0o7777]);
  if (file.type === "symlink") expect(await target()).toBe(await readlink(source));
  if (file.type !== "file") return;
  expect([file.path, file.size]).toEqual([file.path, stats.size]);
  if (file.compressed) return;
  const content = Buffer.from(await fileAccess(image, file).readAt(0, file.size));
  expect([file.path, content.equals(await readFile(source))]).toEqual([file.path, true]);
}

async function treePaths(): Promise<string[]> {
  const paths = ["/"];
  for await (const { path } of walk(join(work, "tree"))) paths.push(`/${path}`);
  return paths.toSorted();
}

describe("erofs", () => {
  const open = async (kind: ErofsKind): Promise<{ image: RandomAccess & AsyncDisposable; erofs: Erofs }> => {
    const image = await openFile(join(work, erofsFile(kind)));
    const erofs = await readErofs(image);
    if (erofs === null) throw new Error("no erofs");
    return { image, erofs };
  };

  test.each(Object.keys(EROFS) as ErofsKind[])("%s: every file, with content, mode and target", async (kind) => {
    const { image, erofs } = await open(kind);
    await using _ = image;
    expect(erofs).toMatchObject({ uuid: UUID, label: "root", blockBytes: 4096, faults: [], composefs: false });
    const paths: string[] = [];
    for await (const file of walkErofs(image, erofs)) {
      paths.push(file.path);
      await check(image, file, () => erofsLinkTarget(image, file));
    }
    expect(paths.toSorted()).toEqual(await treePaths());
  });

  const compressed: readonly ErofsKind[] = [
    "as we pack it",
    "one block per run",
    "the full index",
    "inlined tails",
    "fragments",
  ];
  test.each(compressed)("%s: where each run of compressed bytes lies, as dump.erofs says", async (kind) => {
    const { image, erofs } = await open(kind);
    await using _ = image;
    const files: ErofsFile[] = [];
    for await (const file of walkErofs(image, erofs)) {
      if (file.compressed && !file.path.startsWith("/many/")) files.push(file);
    }
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) {
      const dump = await runTools(root, work, `dump.erofs -e --path=${file.path} ${erofsFile(kind)}`);
      const said = [...dump.matchAll(/^\s*\d+:\s+(\d+)\.\.\s*(\d+) \|\s+(\d+) :\s+(\d+)\.\.\s*(\d+) \|\s+(\d+)/gm)]
        .map((match) => match.slice(1).map(Number))
        .filter(([, , , , , stored]) => stored !== 0) // a fragment
        .map(([offset, end, , at, , length]) => ({ offset, end, at, length }));
      const found = (file.inode.clusters ?? []).map(({ offset, decodedBytes, at, length }) => {
        return { offset, end: offset + decodedBytes, at, length };
      });
      expect({ path: file.path, found, dump }).toEqual({ path: file.path, found: said, dump });
    }
  });

  test("a composefs is one, and its files have their sizes", async () => {
    await using image = await openFile(join(work, "root.cfs"));
    const erofs = await readErofs(image);
    expect(erofs).toMatchObject({ composefs: true, compression: [] });
    const sizes = new Map<string, number>();
    if (erofs !== null) for await (const file of walkErofs(image, erofs)) sizes.set(file.path, file.size);
    expect([sizes.get("/usr/bin/bash"), sizes.get("/etc/small"), sizes.get("/sparse")]).toEqual([300_000, 5, 3145731]);
  });
});

describe("ext4", () => {
  test.each([
    [
      "as we make it",
      "-b 4096 -I 256 -O none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum,verity",
    ],
    ["with mke2fs's own features", "-b 1024"],
    ["small and old", "-b 1024 -I 128 -O ^64bit,^metadata_csum"],
  ])("%s: every file, with content, mode and target", async (_, options) => {
    await runTools(
      root,
      work,
      `rm -f e4.img; truncate -s 64M e4.img; mke2fs -q -F -t ext4 ${options} -d tree -U ${UUID} -L persist -E hash_seed=${UUID} e4.img`,
    );
    await using image = await openFile(join(work, "e4.img"));
    const ext4 = await readExt4(image);
    if (ext4 === null) throw new Error("no ext4");
    expect(ext4).toMatchObject({ uuid: UUID, label: "persist", faults: [] });
    const paths: string[] = [];
    for await (const file of walkExt4(image, ext4)) {
      if (file.path === "/lost+found") continue;
      paths.push(file.path);
      if (file.path !== "/") await check(image, file, () => ext4LinkTarget(image, file));
    }
    expect(paths.toSorted()).toEqual(await treePaths());
    const free = await runTools(root, work, "dumpe2fs -h e4.img 2>/dev/null | grep '^Free blocks'");
    expect(free).toBe(`Free blocks:              ${ext4.freeBlocks}\n`);
  });

  test("an extent tree that is deeper than the inode", async () => {
    // every second block of a file is a hole: far more extents than an inode holds
    const holes =
      "for i in $(seq 0 2 1200); do printf x | dd of=tree2/holes bs=1 seek=$((i * 4096)) conv=notrunc status=none; done";
    await runTools(
      root,
      work,
      `mkdir tree2; ${holes}; truncate -s 16M deep.img; mke2fs -q -F -t ext4 -b 4096 -d tree2 deep.img; debugfs -R 'dump_extents /holes' deep.img > extents.txt 2>&1`,
    );
    await using image = await openFile(join(work, "deep.img"));
    const ext4 = await readExt4(image);
    if (ext4 === null) throw new Error("no ext4");
    for await (const file of walkExt4(image, ext4)) {
      if (file.path !== "/holes") continue;
      expect(file.inode.treeBlocks.length).toBeGreaterThan(1);
      expect(file.extents.length).toBe(601);
      const content = Buffer.from(await fileAccess(image, file).readAt(0, file.size));
      expect(content.equals(await readFile(join(work, "tree2/holes")))).toBe(true);
    }
  });
});

describe("FAT", () => {
  const SOURCES: Readonly<Record<string, string>> = {
    "/EFI/BOOT/BOOTX64.EFI": "usr/bin/bash",
    "/A Long Folder Name/numbers with a long name.text": "etc/numbers",
    "/small.txt": "etc/small",
    "/empty": "empty",
  };
  test.each([
    [12, "2M", "-F12"],
    [16, "16M", "-F16"],
    [32, "40M", "-F32 -s1"],
    [32, "8M", "-F32 -s8"], // fewer clusters than FAT32 should have, as for a small ESP
  ] as const)("%d bits in %s: every file, with its content", async (bits, size, options) => {
    const copies = Object.entries(SOURCES).map(([target, source]) => `mcopy -i fat.img tree/${source} "::${target}"`);
    await runTools(
      root,
      work,
      `rm -f fat.img; truncate -s ${size} fat.img; mkfs.fat --invariant ${options} -n LABEL -i 1234abcd fat.img >/dev/null
       mmd -i fat.img ::EFI ::EFI/BOOT "::A Long Folder Name"; ${copies.join("; ")}`,
    );
    await using image = await openFile(join(work, "fat.img"));
    const fat = await readFat(image);
    if (fat === null) throw new Error("no FAT");
    expect(fat).toMatchObject({ bits, volumeId: "1234-ABCD", label: "LABEL" });
    expect(await fatRootLabel(image, fat)).toBe("LABEL");
    const files: string[] = [];
    let folders = 0;
    let clusters = 0;
    for await (const file of walkFat(image, fat)) {
      const inRoot = file.path === "/" && bits !== 32;
      if (!inRoot) clusters += file.extents.reduce((sum, one) => sum + one.length, 0);
      if (file.type === "directory") {
        folders += 1;
        continue;
      }
      files.push(file.path);
      const content = Buffer.from(await fileAccess(image, file).readAt(0, file.size));
      const source = await readFile(join(work, "tree", SOURCES[file.path] ?? "missing"));
      expect([file.path, content.equals(source)]).toEqual([file.path, true]);
    }
    expect(files.toSorted()).toEqual(Object.keys(SOURCES).toSorted());
    expect(folders).toBe(4);
    expect(await usedFatBytes(image, fat)).toBe(clusters);
  });
});

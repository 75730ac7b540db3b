import { beforeAll, describe, expect, test } from "vitest";
import { altered, placeOf } from "../../test/fakes/altered.ts";
import { LONG_FILE, smallImage } from "../../test/fakes/small-images.ts";
import { usedFatBytes } from "./fat-chain.ts";
import { FAT_ENTRY, fatRootLabel, walkFat } from "./fat-directory.ts";
import { type Fat, FAT16_BOOT, FAT32_BOOT, readFat } from "./fat.ts";
import { fileAccess } from "./image-file.ts";
import { locateIn } from "./locate.ts";
import { bytesAccess } from "./random-access.ts";

let small: Buffer = Buffer.alloc(0);
let large: Buffer = Buffer.alloc(0);
beforeAll(async () => {
  [small, large] = [await smallImage("fat"), await smallImage("fat32")];
});

async function open(bytes: Uint8Array) {
  const image = bytesAccess("fat", bytes);
  const fat = await readFat(image);
  if (fat === null) throw new Error("no FAT");
  return { image, fat };
}
async function paths(bytes: Uint8Array): Promise<string[]> {
  const { image, fat } = await open(bytes);
  const found: string[] = [];
  for await (const file of walkFat(image, fat)) found.push(`${file.path} ${file.size}`);
  return found;
}

test("FAT12: what it is and holds", async () => {
  const { image, fat } = await open(small);
  expect(fat).toMatchObject({ bits: 12, volumeId: "1234-ABCD", label: "ESP", bytes: 131_072, clusterBytes: 512 });
  expect(await fatRootLabel(image, fat)).toBe("ESP");
  expect(await paths(small)).toEqual([
    `/ ${fat.fixedRoot?.bytes}`,
    "/small.txt 5",
    "/EFI 512",
    "/EFI/BOOT 512",
    `/EFI/BOOT/a longer name.efi ${LONG_FILE.length}`,
  ]);
  expect(await usedFatBytes(image, fat)).toBe((2 + 1 + Math.ceil(LONG_FILE.length / 512)) * 512);
  for await (const file of walkFat(image, fat)) {
    if (!file.path.endsWith(".efi")) continue;
    const bytes = await fileAccess(image, file).readAt(0, file.size);
    expect(Buffer.from(bytes).toString()).toBe(LONG_FILE);
  }
});

test("FAT32: root in clusters, FSInfo and backup", async () => {
  const { fat } = await open(large);
  expect(fat).toMatchObject({ bits: 32, label: "ESP32", rootCluster: 2, infoAt: 512, backupAt: 3072, fixedRoot: null });
  expect(await paths(large)).toEqual(["/ 512", "/EFI 512", "/EFI/small.txt 5"]);
});

test("the serial number in a GPT partition's FAT is the field that tools print", async () => {
  const way = await locateIn(bytesAccess("fat", small), placeOf(FAT16_BOOT, "volume serial"));
  expect(way.at(-1)).toEqual({ kind: "field", name: "volume serial", offset: 0 });
});

describe("no FAT at all", () => {
  test.each([
    ["no jump", [0, "00"]],
    ["odd sectors", [11, "0103"]],
    ["no cluster", [13, "00"]],
    ["three sectors in a cluster", [13, "03"]],
    ["no reserved sector", [14, "0000"]],
    ["no FAT", [16, "00"]],
    ["three FATs", [16, "03"]],
    ["no signature", [510, "0000"]],
  ] as const)("%s", async (_, change) => {
    expect(await readFat(bytesAccess("fat", altered(small, change)))).toBeNull();
  });
});

describe("a geometry that cannot be is refused", () => {
  test("more than the image holds", async () => {
    await expect(open(small.subarray(0, 100_000))).rejects.toThrow("a FAT file system of 131072 bytes");
  });
  test("a FAT that is too small for the clusters", async () => {
    await expect(open(altered(large, [placeOf(FAT32_BOOT, "sectors per FAT (32 bits)"), "01000000"]))).rejects.toThrow(
      "is too small for",
    );
  });
});

/** Entry of a cluster of the FAT12, all copies' first. */
function setEntry(bytes: Buffer, fat: Fat, cluster: number, value: number): void {
  const at = fat.fatAt + Math.floor((cluster * 3) / 2);
  const pair = bytes.readUInt16LE(at);
  bytes.writeUInt16LE(cluster % 2 === 0 ? (pair & 0xf000) | value : (pair & 0x000f) | (value << 4), at);
}

describe("chains", () => {
  const firstCluster = 4; // of the long file, behind EFI and BOOT
  test.each([
    ["runs in a circle", 6, 4, "runs in a circle or shares clusters"],
    ["leads to a free cluster", 6, 0, "leads to cluster 0"],
    ["leads outside", 6, 0xff0, "leads to cluster 4080"],
    ["ends too soon", 6, 0xfff, "its clusters hold 1536"],
  ])("%s", async (_, cluster, value, message) => {
    const bytes = Buffer.from(small);
    const { fat } = await open(bytes);
    expect(await paths(bytes)).toHaveLength(5);
    setEntry(bytes, fat, firstCluster + cluster - 4, value);
    await expect(paths(bytes)).rejects.toThrow(message);
  });
  test("folders that hold each other are refused", async () => {
    const { fat } = await open(small);
    const efi = fat.dataAt; // cluster 2: its entry BOOT is the third
    const low = placeOf(FAT_ENTRY, "first cluster, low half");
    await expect(paths(altered(small, [efi + 64 + low, "0200"]))).rejects.toThrow("the folder /EFI/BOOT is empty of");
    await expect(paths(altered(small, [efi + 64 + low, "0000"]))).rejects.toThrow("the folder /EFI/BOOT is empty of");
  });
});

describe("names", () => {
  const boot = async () => (await open(small)).fat.dataAt + 512; // cluster 3
  test("a long one that belongs to another entry gives way to the short one", async () => {
    const at = await boot();
    expect((await paths(altered(small, [at + 64 + 13, "00"]))).at(-1)).toBe(
      `/EFI/BOOT/ALONGE~1.EFI ${LONG_FILE.length}`,
    );
  });
  test("deleted entries are not there, E5 as a first byte is", async () => {
    const at = await boot();
    expect(await paths(altered(small, [at + 128, "e5"]))).toHaveLength(4);
    expect((await paths(altered(small, [at + 128, "05"]))).at(-1)).toContain("/EFI/BOOT/\u00e5LONGE~1.EFI");
  });
  test("short ones in lower case", async () => {
    const at = await boot();
    const bytes = altered(small, [at + 64 + 13, "00"], [at + 128 + placeOf(FAT_ENTRY, "case of the short name"), "18"]);
    expect((await paths(bytes)).at(-1)).toContain("/EFI/BOOT/alonge~1.efi");
  });
});

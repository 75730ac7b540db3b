import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { smallImage, SMALL_IMAGE_UUID } from "../../test/fakes/small-images.ts";
import { sha256Hex } from "../contract/digest.ts";
import { createFsverity } from "../contract/fsverity.ts";
import { Inspection } from "../contract/inspection.ts";
import { grubEntries } from "./inspect-file-system.ts";
import { inspectArtifact } from "./inspect.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-inspect-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function store(name: string, bytes: Uint8Array | string): Promise<string> {
  await writeFile(join(folder, name), bytes);
  return join(folder, name);
}

describe("an image", () => {
  test("a disk, with the digests of the file and of the root image in it", async () => {
    const [disk, root] = [await smallImage("gpt"), await smallImage("erofs")];
    const { artifacts } = Inspection.parse(await inspectArtifact(await store("disk.img", disk), { files: true }));
    const verity = createFsverity();
    verity.update(root);
    expect(artifacts).toMatchObject([
      {
        file: "disk.img",
        sizeBytes: disk.length,
        sha256: sha256Hex(disk),
        content: {
          format: "gpt",
          bootCode: "none",
          partitions: [
            { number: 1, name: "esp", uuid: SMALL_IMAGE_UUID, content: { format: "fat", bits: 12, label: "ESP" } },
            {
              number: 2,
              content: { format: "erofs", sha256: sha256Hex(root), fsverityDigest: verity.finish().digest },
            },
          ],
        },
      },
    ]);
  });

  test("files are listed only where asked for", async () => {
    const path = await store("ext4.img", await smallImage("ext4"));
    const [without, listed] = [
      await inspectArtifact(path, { files: false }),
      await inspectArtifact(path, { files: true }),
    ];
    expect(JSON.stringify(without)).not.toContain("/etc/small");
    expect(listed.artifacts[0]?.content).toMatchObject({ format: "ext4", usedBytes: expect.any(Number) });
    expect(JSON.stringify(listed)).toContain('{"path":"/etc/small","type":"file","sizeBytes":5,"mode":"0644"}');
  });

  test("a qcow2 by what its guest sees, an MBR disk by type", async () => {
    const qcow2 = await inspectArtifact(await store("disk.qcow2", await smallImage("zlib-qcow2")), { files: false });
    expect(qcow2.artifacts[0]?.content).toMatchObject({ format: "qcow2", content: { format: "gpt" } });
    const mbr = await inspectArtifact(await store("rpi.img", await smallImage("mbr")), { files: false });
    expect(mbr.artifacts[0]?.content).toMatchObject({
      format: "mbr",
      id: "0x50574e52",
      partitions: [{ type: "0x0c", uuid: null, content: { format: "fat" } }],
    });
  });

  test.each([
    ["notes.txt", "some text"],
    ["nothing", ""],
  ])("%s is none, and the message says what was looked for", async (name, content) => {
    await expect(inspectArtifact(await store(name, content), { files: false })).rejects.toMatchObject({
      failure: {
        code: "InvalidRequest",
        message: expect.stringMatching(/is none of qcow2, GPT, MBR, FAT, ext4, erofs/),
      },
    });
  });

  test("an interrupt ends it", async () => {
    const path = await store("again.img", await smallImage("gpt"));
    const signal = AbortSignal.abort(new Error("interrupted"));
    await expect(inspectArtifact(path, { files: false, signal })).rejects.toThrow("interrupted");
  });
});

describe("a folder", () => {
  test("each file in order of name, small texts as they are", async () => {
    const path = join(folder, "artifact");
    await mkdir(join(path, "below"), { recursive: true });
    await writeFile(join(path, "root.erofs"), await smallImage("erofs"));
    await writeFile(join(path, "cmdline"), "a=1 b=2\n");
    const { artifacts } = await inspectArtifact(path, { files: false });
    expect(artifacts.map(({ file, content }) => [file, content.format])).toEqual([
      ["cmdline", "text"],
      ["root.erofs", "erofs"],
    ]);
    expect(artifacts[0]?.content).toEqual({ format: "text", text: "a=1 b=2\n" });
  });
  test("of a run: its manifest, the composefs and the package record of its root", async () => {
    const path = join(folder, "run");
    await mkdir(path);
    await writeFile(join(path, "build-manifest.json"), "{}\n");
    await writeFile(join(path, "root.cfs"), await smallImage("composefs"));
    const description = `Description: something\n${" long text\n".repeat(9000)}`; // larger than a text may be
    const record = (name: string, status: string) =>
      `Package: ${name}\nEssential: yes\nStatus: ${status}\nArchitecture: all\nVersion: 1:2-3\n${description}\n`;
    await writeFile(
      join(path, "dpkg-status"),
      record("kept", "install ok installed") + record("removed", "deinstall ok config-files"),
    );
    const { artifacts } = Inspection.parse(await inspectArtifact(path, { files: false }));
    expect(artifacts.map(({ file, content }) => [file, content.format])).toEqual([
      ["build-manifest.json", "text"],
      ["dpkg-status", "dpkg-status"],
      ["root.cfs", "erofs"],
    ]);
    expect(artifacts[1]?.content).toEqual({ format: "dpkg-status", installed: 1 });
    expect(artifacts[2]?.content).toMatchObject({ composefs: true });
    const alone = Inspection.parse(await inspectArtifact(join(path, "dpkg-status"), { files: true }));
    expect(alone.artifacts[0]?.content).toMatchObject({
      packages: [{ name: "kept", version: "1:2-3", arch: "all" }],
    });
  });
  test("without a file is refused", async () => {
    await mkdir(join(folder, "empty"));
    await expect(inspectArtifact(join(folder, "empty"), { files: false })).rejects.toThrow("holds no file");
  });
  test.each([
    ["of something else", Buffer.from([0xff, 0xfe, 0x00, 0x01])],
    ["with a NUL", Buffer.from("a\0b")],
    ["of a large text", Buffer.alloc(70_000, "a")],
  ])("with a file %s is refused", async (name, bytes) => {
    const path = join(folder, `artifact ${name}`);
    await mkdir(path);
    await writeFile(join(path, "file"), bytes);
    await expect(inspectArtifact(path, { files: false })).rejects.toThrow("is none of qcow2");
  });
});

test("menu entries of a grub.cfg", () => {
  const config = `set timeout=0
menuentry "One" --id=one {
  linux /vmlinuz root=a  quiet
  initrd /initrd
}
menuentry 'Without kernel' { chainloader /x }
menuentry 'Two' {
\tlinux /other
}
`;
  expect(grubEntries(config)).toEqual([
    { title: "One", kernel: "/vmlinuz", commandLine: "root=a  quiet" },
    { title: "Two", kernel: "/other", commandLine: "" },
  ]);
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fatFolders, fatVolumeId, makeFatImage } from "./fat-image.ts";
import type { StepContext } from "./tool.ts";

const segment = fc.constantFrom("EFI", "BOOT", "grub", "a");
const target = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));

describe("fatFolders", () => {
  it("names each folder once, after its parent", () => {
    fc.assert(
      fc.property(fc.array(target), (targets) => {
        const folders = fatFolders(targets.map((one) => ({ source: "x", target: one })));
        expect(new Set(folders).size).toBe(folders.length);
        for (const [index, folder] of folders.entries()) {
          const parent = folder.split("/").slice(0, -1).join("/");
          if (parent !== "") expect(folders.slice(0, index)).toContain(parent);
        }
        for (const one of targets) {
          const folder = one.split("/").slice(0, -1).join("/");
          if (folder !== "") expect(folders).toContain(folder);
        }
      }),
    );
  });
});

describe("fatVolumeId", () => {
  it("is 32 bits of the UUID", () => expect(fatVolumeId("d90b7f0f-1111-8222-9333-444455556666")).toBe("d90b7f0f"));
});

describe("makeFatImage", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fat-image-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each(["../x", "EFI//x", "/x", "a b", "a/../b", ""])(
    "refuses the target %j before it runs anything",
    async (bad) => {
      const context: StepContext = {
        ...{ work: folder, blobs: folder, project: folder, epoch: 0, clockOffsetDays: 0 },
        ...{ report: () => undefined, signal: new AbortController().signal },
      };
      await writeFile(join(folder, "x"), "x");
      const files = [{ source: join(folder, "x"), target: bad }];
      const image = { path: join(folder, "esp"), startMiB: 0, sizeMiB: 64, label: "ESP", volumeId: "00000001", files };
      await expect(makeFatImage(context, "disk", image)).rejects.toThrow("is no path for a FAT file system");
    },
  );
});

import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readSpecFolder, writeSpecFiles } from "./spec-folder.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-test-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("a spec's folder", () => {
  it("is read whole, byte for byte", async () => {
    await mkdir(join(folder, "deep", "er"), { recursive: true });
    await mkdir(join(folder, "empty"));
    await writeFile(join(folder, "release.yaml"), "version: ü");
    await writeFile(join(folder, "deep", "er", "logo.bin"), Uint8Array.of(0, 255, 13, 10));
    expect(await readSpecFolder(folder)).toEqual(
      new Map([
        ["deep/er/logo.bin", Uint8Array.of(0, 255, 13, 10)],
        ["release.yaml", new TextEncoder().encode("version: ü")],
      ]),
    );
  });

  it("that is missing is an error that names it", async () => {
    const missing = join(folder, "none");
    await expect(readSpecFolder(missing)).rejects.toMatchObject({
      code: "NotFound",
      message: `there is no folder ${missing}`,
    });
  });

  it("may not hold a symbolic link, to a file or a folder", async () => {
    await symlink("/etc/passwd", join(folder, "release.yaml"));
    await expect(readSpecFolder(folder)).rejects.toThrow(/release.yaml is neither a file nor a folder/);
    await rm(join(folder, "release.yaml"));
    await symlink("/etc", join(folder, "etc"));
    await expect(readSpecFolder(folder)).rejects.toMatchObject({ code: "SpecInvalid" });
  });

  it("may not hold a name that a repository could not", async () => {
    await writeFile(join(folder, "a\nb"), "");
    await expect(readSpecFolder(folder)).rejects.toMatchObject({ code: "SpecInvalid" });
  });

  it("is written file by file, and nowhere else", async () => {
    await writeFile(join(folder, "README.md"), "mine");
    await writeSpecFiles(folder, new Map([["release.yaml", "1"]]));
    expect(await readFile(join(folder, "release.yaml"), "utf8")).toBe("1");
    expect(await readFile(join(folder, "README.md"), "utf8")).toBe("mine");
    await expect(writeSpecFiles(folder, new Map([["../outside", "1"]]))).rejects.toMatchObject({ code: "SpecInvalid" });
  });
});

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ElfContent, elfFile } from "../../test/fakes/elf-file.ts";
import { exec, PLAIN_ENV } from "../host/exec.ts";
import { writeLibraryIndex } from "./library-closures.ts";

const SHIM = join(import.meta.dirname, "ldd.sh");
const LOADER = "/lib64/ld-linux-x86-64.so.2";

let folder = "";
let root = "";
let index = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "imgrel-index-"));
  root = join(folder, "root");
  index = join(folder, "index");
  for (const top of ["bin", "sbin", "lib", "lib64"]) {
    mkdirSync(join(root, "usr", top), { recursive: true });
    symlinkSync(`usr/${top}`, join(root, top));
  }
  put("usr/lib/x86_64-linux-gnu/libc.so.6", { soname: "libc.so.6", needed: ["ld-linux-x86-64.so.2"] });
  put("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", { soname: "ld-linux-x86-64.so.2" });
  symlinkSync("../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", join(root, "usr/lib64/ld-linux-x86-64.so.2"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, content: ElfContent | Uint8Array | string): void {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, typeof content === "string" || content instanceof Uint8Array ? content : elfFile(content));
}
const lines = (path: string): string => readFileSync(join(index, `${path}.ldd`), "utf8");

describe("the index", () => {
  test("says what ldd would say in that root", async () => {
    put("usr/bin/program", {
      interpreter: LOADER,
      needed: ["liba.so.1", "libgone.so.2", "libc.so.6"],
      runpath: "$ORIGIN/../lib/private",
    });
    put("usr/lib/private/liba.so.1.0", { soname: "liba.so.1", needed: ["libb.so"] });
    symlinkSync("liba.so.1.0", join(root, "usr/lib/private/liba.so.1"));
    put("usr/local/lib/libb.so", { needed: ["libc.so.6"] });
    put("etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n");
    put("etc/ld.so.conf.d/libc.conf", "/usr/local/lib\n");
    const result = await writeLibraryIndex(root, index);
    expect(lines("usr/bin/program")).toBe(
      [
        "\tliba.so.1 => /usr/bin/../lib/private/liba.so.1",
        "\tlibgone.so.2 => not found",
        "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6",
        "\tlibb.so => /usr/local/lib/libb.so",
        `\t${LOADER}`,
        "",
      ].join("\n"),
    );
    expect(lines("usr/lib/x86_64-linux-gnu/libc.so.6")).toBe(`\t${LOADER}\n`);
    expect(lines("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")).toBe("\tstatically linked\n");
    expect(result).toEqual({ files: 4, missing: [{ file: "/usr/bin/program", library: "libgone.so.2" }] });
  });

  test("says if the interpreter is missing", async () => {
    put("usr/sbin/odd", { interpreter: "/lib/ld-odd.so.1" });
    const result = await writeLibraryIndex(root, index);
    expect(lines("usr/sbin/odd")).toBe("\tld-odd.so.1 => not found\n");
    expect(result.missing).toEqual([{ file: "/usr/sbin/odd", library: "/lib/ld-odd.so.1" }]);
  });

  test("covers program and library folders, through the links of a merged-usr root, and nothing else", async () => {
    const skipped = [
      "usr/lib/modules/6.12/vdso/vdso64.so",
      "usr/lib/firmware/x.elf",
      "usr/lib/debug/d.so",
      "usr/lib/x/module.ko.xz",
      "home/program",
      "usr/share/p",
    ];
    for (const path of [...skipped, "usr/libexec/helper"]) put(path, {});
    put("usr/bin/script", "#!/bin/sh\n");
    put("usr/bin/static", { static: true });
    put("usr/bin/empty", "");
    const { files } = await writeLibraryIndex(root, index);
    for (const path of [...skipped, "usr/bin/script", "usr/bin/static", "usr/bin/empty"])
      expect(existsSync(join(index, `${path}.ldd`))).toBe(false);
    expect(files).toBe(3);
    expect(readlinkSync(join(index, "lib"))).toBe("usr/lib");
    expect(lines("lib/x86_64-linux-gnu/libc.so.6")).toBe(lines("usr/lib/x86_64-linux-gnu/libc.so.6"));
    expect(lines("usr/libexec/helper")).toBe("\tstatically linked\n");
  });

  test("covers a root that is not merged", async () => {
    rmSync(join(root, "bin"));
    put("bin/program", { interpreter: LOADER, needed: ["libc.so.6"] });
    await writeLibraryIndex(root, index);
    expect(lines("bin/program")).toContain("libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6");
  });

  test("never reads outside the root", async () => {
    writeFileSync(join(folder, "libout.so"), elfFile());
    symlinkSync("../../../libout.so", join(root, "usr/lib/libout.so"));
    symlinkSync(folder, join(root, "usr/lib/outside"));
    put("usr/bin/program", { needed: ["libout.so"], runpath: "/usr/lib/outside" });
    const { missing } = await writeLibraryIndex(root, index);
    expect(missing).toEqual([{ file: "/usr/bin/program", library: "libout.so" }]);
  });

  test("replaces an older index", async () => {
    put("usr/bin/program", {});
    await writeLibraryIndex(root, index);
    rmSync(join(root, "usr/bin/program"));
    await writeLibraryIndex(root, index);
    expect(existsSync(join(index, "usr/bin/program.ldd"))).toBe(false);
  });

  test("reads what lies behind the first page of a file", async () => {
    const needed = Array.from({ length: 400 }, (_, number) => `library-with-a-long-name-${number}.so`);
    put("usr/bin/program", { needed });
    const { missing } = await writeLibraryIndex(root, index);
    expect(missing.map(({ library }) => library)).toEqual(needed);
  });

  test("names a damaged file", async () => {
    put("usr/bin/program", elfFile({ needed: ["libc.so.6"] }).subarray(0, 200));
    await expect(writeLibraryIndex(root, index)).rejects.toMatchObject({
      failure: {
        code: "OutputInvalid",
        message: expect.stringMatching(
          /^\/usr\/bin\/program in the target root: damaged ELF file: .* outside the file/,
        ) as string,
      },
    });
  });

  test("refuses configuration that includes itself", async () => {
    put("etc/ld.so.conf", "include ld.so.conf\n");
    await expect(writeLibraryIndex(root, index)).rejects.toMatchObject({
      failure: {
        code: "OutputInvalid",
        message: expect.stringContaining("/etc/ld.so.conf in the target root") as string,
      },
    });
  });

  test("refuses a name that would be two words for dracut-install", async () => {
    put("usr/bin/program", { needed: ["a\n\tb => /etc/shadow"] });
    await expect(writeLibraryIndex(root, index)).rejects.toThrow(/\/usr\/bin\/program .* white space in its name/);
  });
});

describe("ldd.sh", () => {
  const ldd = (path: string, environment: Record<string, string> = { LDD_ROOT: root, LDD_INDEX: index }) =>
    exec({ program: SHIM, args: [path], env: { ...PLAIN_ENV, ...environment } });

  test("prints the index file of a path below the root", async () => {
    put("usr/bin/program", { interpreter: LOADER, needed: ["libc.so.6"] });
    await writeLibraryIndex(root, index);
    const expected = `\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6\n\t${LOADER}\n`;
    expect(await ldd(`${root}/usr/bin/program`)).toMatchObject({ exitCode: 0, stdout: expected });
    expect(await ldd(`${root}/bin/program`)).toMatchObject({ exitCode: 0, stdout: expected });
  });

  test("says so of what is not in the index", async () => {
    put("usr/bin/script", "#!/bin/sh\n");
    await writeLibraryIndex(root, index);
    expect(await ldd(`${root}/usr/bin/script`)).toMatchObject({ exitCode: 1, stdout: "\tnot a dynamic executable\n" });
  });

  test("fails and names the variable that is not set", async () => {
    expect(await ldd("/x", { LDD_ROOT: root })).toMatchObject({
      exitCode: 2,
      tail: expect.stringContaining("LDD_INDEX: is not set") as string,
    });
    expect(await ldd("/x", { LDD_INDEX: index })).toMatchObject({
      exitCode: 2,
      tail: expect.stringContaining("LDD_ROOT: is not set") as string,
    });
  });
});

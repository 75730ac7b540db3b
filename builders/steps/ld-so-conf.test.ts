import { posix } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ldSoConfFolders } from "./ld-so-conf.ts";

const folders = (files: Record<string, string>): string[] =>
  ldSoConfFolders({
    read: (path) => files[path] ?? null,
    names: (folder) =>
      Object.keys(files)
        .filter((path) => posix.dirname(path) === folder)
        .map((path) => posix.basename(path))
        .sort(),
  });

test("reads Debian's configuration in order", () => {
  expect(
    folders({
      "/etc/ld.so.conf": "include /etc/ld.so.conf.d/*.conf\n\n",
      "/etc/ld.so.conf.d/x86_64-linux-gnu.conf":
        "# Multiarch support\n/usr/local/lib/x86_64-linux-gnu\n/lib/x86_64-linux-gnu\n",
      "/etc/ld.so.conf.d/libc.conf": "# libc default configuration\n/usr/local/lib\n",
      "/etc/ld.so.conf.d/README": "/not/read\n",
      "/etc/ld.so.conf.d/.hidden.conf": "/hidden\n",
    }),
  ).toEqual(["/usr/local/lib", "/usr/local/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu"]);
});

test("takes comments, types, hwcap lines, slashes and repetition as ldconfig does", () => {
  expect(
    folders({ "/etc/ld.so.conf": "  /a/  # one\n/b=libc6\nhwcap 0 nosegneg\nrelative/lib\n/a\n/\n#/c\n" }),
  ).toEqual(["/a", "/b", "/"]);
});

test("includes by relative path, by several patterns and by ? and [], in place", () => {
  expect(
    folders({
      "/etc/ld.so.conf": "/first\ninclude more/x?.conf\tmore/[!x]1.conf\n/last\n",
      "/etc/more/x1.conf": "/x1",
      "/etc/more/x22.conf": "/x22",
      "/etc/more/x2.conf": "include sub.d/deeper",
      "/etc/more/y1.conf": "/y1",
      "/etc/more/sub.d/deeper": "/deeper",
    }),
  ).toEqual(["/first", "/x1", "/deeper", "/y1", "/last"]);
});

test("no configuration and patterns without match give nothing", () => {
  expect(folders({})).toEqual([]);
  expect(folders({ "/etc/ld.so.conf": "include /absent/*\ninclude\n" })).toEqual([]);
});

test("files that include each other are an error", () => {
  expect(() => folders({ "/etc/ld.so.conf": "include ld.so.conf" })).toThrow(
    /\/etc\/ld\.so\.conf: more than 10 files include/,
  );
});

test("any lines give absolute folders, each once", () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom("/a", " /a/ ", "/b=c", "include more.conf", "hwcap 1 z", "x=/c", "#/d"),
  );
  fc.assert(
    fc.property(fc.array(line), fc.array(line), (lines, more) => {
      const found = folders({
        "/etc/ld.so.conf": lines.join("\n"),
        "/etc/more.conf": more.filter((text) => !text.includes("include")).join("\n"),
      });
      expect(found.every((folder) => folder.startsWith("/"))).toBe(true);
      expect(new Set(found).size).toBe(found.length);
    }),
  );
});

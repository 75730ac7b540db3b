import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RootPaths, rootPaths } from "./root-paths.ts";

let outside = "";
let paths: RootPaths;
beforeAll(() => {
  outside = mkdtempSync(join(tmpdir(), "imgrel-root-"));
  const root = join(outside, "root");
  mkdirSync(join(root, "usr/lib/deep"), { recursive: true });
  writeFileSync(join(outside, "secret"), "");
  for (const file of ["usr/lib/b.so.1.2", "usr/lib/a.so", "usr/lib/deep/c.so"]) writeFileSync(join(root, file), "");
  const links: [at: string, to: string][] = [
    ["lib", "usr/lib"],
    ["usr/lib/b.so.1", "b.so.1.2"],
    ["usr/lib/absolute.so", "/usr/lib/a.so"],
    ["usr/lib/deep/up.so", "../../../lib/b.so.1"],
    ["usr/lib/escape.so", "../../../secret"],
    ["usr/lib/escape-absolute.so", join(outside, "secret")],
    ["usr/lib/loop", "loop"],
    ["usr/lib/dangling", "nowhere"],
    ["usr/lib/through-file", "a.so/x"],
    ["top", "/"],
  ];
  for (const [at, to] of links) symlinkSync(to, join(root, at));
  // a chain of 41 links, one more than the kernel follows
  for (let index = 0; index < 41; index++)
    symlinkSync(index === 0 ? "/usr/lib/a.so" : `chain${index - 1}`, join(root, `chain${index}`));
  paths = rootPaths(root);
});
afterAll(() => rmSync(outside, { recursive: true }));

test.each([
  ["/usr/lib/a.so", "/usr/lib/a.so"],
  ["/lib/a.so", "/usr/lib/a.so"],
  ["//lib/./deep/../a.so", "/usr/lib/a.so"],
  ["/lib/b.so.1", "/usr/lib/b.so.1.2"],
  ["/lib/absolute.so", "/usr/lib/a.so"],
  ["/lib/deep/up.so", "/usr/lib/b.so.1.2"],
  ["/top/top/lib/a.so", "/usr/lib/a.so"],
  ["/../../usr/lib/a.so", "/usr/lib/a.so"],
  ["/chain39", "/usr/lib/a.so"],
])("%s is the file %s", (path, real) => {
  expect(paths.resolveFile(path)).toBe(real);
});

test.each([
  ["a link that climbs out of the root", "/usr/lib/escape.so"],
  ["an absolute link to a file outside", "/usr/lib/escape-absolute.so"],
  ["a path that climbs out", "/../secret"],
  ["a loop", "/usr/lib/loop"],
  ["too many links", "/chain40"],
  ["a dangling link", "/usr/lib/dangling"],
  ["a file used as a folder", "/usr/lib/a.so/x"],
  ["a link through a file", "/usr/lib/through-file"],
  ["a file used as a folder, left again", "/usr/lib/a.so/.."],
  ["a folder", "/usr/lib"],
  ["nothing", "/usr/lib/absent"],
])("%s is no file", (_name, path) => {
  expect(paths.resolveFile(path)).toBeNull();
});

test("folders are told from files, and listed in byte order", () => {
  expect(paths.resolveFolder("/lib/deep/")).toBe("/usr/lib/deep");
  expect(paths.resolveFolder("/")).toBe("/");
  expect(paths.resolveFolder("/lib/a.so")).toBeNull();
  expect(paths.list("/usr/lib/deep").map((entry) => entry.name)).toEqual(["c.so", "up.so"]);
});

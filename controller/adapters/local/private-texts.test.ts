import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { privateTexts } from "./private-texts.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "private-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("keeps each text in a file of its own, for nobody else, under a name that says nothing", async () => {
  const texts = privateTexts(join(folder, "secrets"));
  const [a, b] = [await texts.keep("../a", "one"), await texts.keep("b", "two")];
  expect([await readFile(a, "utf8"), await readFile(b, "utf8")]).toEqual(["one", "two"]);
  expect(((await stat(a)).mode & 0o777).toString(8)).toBe("600");
  expect(((await stat(join(folder, "secrets"))).mode & 0o777).toString(8)).toBe("700");
  expect(await readdir(folder)).toEqual(["secrets"]);
});

it("replaces a text that changed, and leaves one that did not", async () => {
  const texts = privateTexts(folder);
  const path = await texts.keep("a", "one");
  const before = await stat(path);
  expect(await texts.keep("a", "one")).toBe(path);
  expect((await stat(path)).ino).toBe(before.ino);
  await texts.keep("a", "two");
  expect(await readFile(path, "utf8")).toBe("two");
});

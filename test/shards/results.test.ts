import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { resultStore } from "./results.ts";

let cache = "";
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "imgrel-results-"));
});
afterEach(() => rm(cache, { recursive: true }));

const RESULT = { inputsHash: "a".repeat(64), date: "2026-02-01T10:00:00.000Z", seconds: 12 };

test("a result is read as it was kept, from a file that says passed", async () => {
  const store = resultStore(cache);
  await store.keep("boot", RESULT);
  expect(await store.read("boot")).toEqual(RESULT);
  expect(JSON.parse(await readFile(join(cache, "shards/boot.json"), "utf8"))).toEqual({ ...RESULT, passed: true });
  expect(await readdir(join(cache, "shards"))).toEqual(["boot.json"]);
});

test("nothing kept and something forgotten both read as nothing", async () => {
  const store = resultStore(cache);
  expect(await store.read("boot")).toBeUndefined();
  await store.keep("boot", RESULT);
  await store.forget("boot");
  expect(await store.read("boot")).toBeUndefined();
  await expect(store.forget("boot")).resolves.toBeUndefined();
});

test.each([
  ["cut short", '{"inputsHash": "aa'],
  ["of a failure", JSON.stringify({ ...RESULT, passed: false })],
  ["without a hash", JSON.stringify({ ...RESULT, inputsHash: "", passed: true })],
  ["without a date", JSON.stringify({ ...RESULT, date: "yesterday", passed: true })],
])("a file %s reads as nothing", async (_, text) => {
  await mkdir(join(cache, "shards"));
  await writeFile(join(cache, "shards/boot.json"), text);
  expect(await resultStore(cache).read("boot")).toBeUndefined();
});

test("a store that cannot be read is an error, not an empty one", async () => {
  await writeFile(join(cache, "shards"), "a file");
  await expect(resultStore(cache).read("boot")).rejects.toThrow("ENOTDIR");
});

import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { readModules, type SourceModule, targetOf } from "../module-graph.ts";
import { SHARDS } from "../system/shards.ts";
import { matches, projectFiles } from "./inputs.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
let files: string[] = [];
let modules = new Map<string, SourceModule>();

beforeAll(async () => {
  files = await projectFiles(PROJECT);
  const read = await readModules(PROJECT, ["controller", "builders", "test"]);
  modules = new Map(read.map((module) => [module.path, module]));
});

/** A file and all that it imports, directly or not. */
function closure(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found;
  found.add(path);
  for (const specifier of modules.get(path)?.imports ?? []) {
    const target = targetOf(path, specifier);
    if (target !== undefined) closure(target, found);
  }
  return found;
}

test("every system test is in exactly one shard", () => {
  const listed = SHARDS.flatMap((shard) => shard.files);
  expect(listed.toSorted()).toEqual(files.filter((path) => /^test\/system\/.*\.test\.ts$/.test(path)));
});

test("names are unique and fit for a file", () => {
  const names = SHARDS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
});

describe.each(SHARDS)("shard $name", (shard) => {
  test("has a cost that fits an hour", () => {
    expect(shard.costSeconds).toBeGreaterThan(0);
    expect(shard.costSeconds).toBeLessThan(3600);
  });

  test("names sources that exist", () => {
    for (const glob of shard.covers) {
      expect(
        files.some((path) => matches(path, glob)),
        `${glob} is no file of the project`,
      ).toBe(true);
    }
  });

  test("covers all that its tests import", () => {
    const imported = shard.files.flatMap((path) => [...closure(path)]);
    const globs = [...shard.files, ...shard.covers];
    expect(imported.filter((path) => !globs.some((glob) => matches(path, glob)))).toEqual([]);
  });
});

import { expect, it } from "vitest";
import type { GitObject } from "./cat-file.ts";
import { rememberedTrees } from "./remembered-trees.ts";

const id = (digit: string) => digit.repeat(40);
const object = (digit: string, type: string, size = 10): GitObject => ({
  ...{ id: id(digit), type },
  content: new Uint8Array(size),
});

/** A reader of these objects, by name, and what it was asked for. */
function readerOf(objects: Readonly<Record<string, GitObject>>) {
  const asked: (readonly string[])[] = [];
  const read = async (names: readonly string[]) => {
    asked.push(names);
    return names.map((name) => objects[name] ?? null);
  };
  return { read, asked };
}

it("reads trees and commits once, and everything else each time", async () => {
  const [tree, commit, blob] = [object("1", "tree"), object("2", "commit"), object("3", "blob")];
  const names = [id("1"), id("2"), `${id("2")}^{tree}`, id("3"), "main", id("4")];
  const { read, asked } = readerOf({
    ...{ [id("1")]: tree, [id("2")]: commit, [`${id("2")}^{tree}`]: tree, [id("3")]: blob, main: commit },
  });
  const remembered = rememberedTrees(read);
  const all = [tree, commit, tree, blob, commit, null];
  expect(await remembered(names)).toEqual(all);
  expect(await remembered(names)).toEqual(all);
  expect(asked).toEqual([names, [id("3"), "main", id("4")]]); // what is not there may come
});

it("forgets what was not asked for longest, once there is too much", async () => {
  const { read, asked } = readerOf({
    ...{ [id("1")]: object("1", "tree", 40), [id("2")]: object("2", "tree", 40), [id("3")]: object("3", "tree", 40) },
    [id("4")]: object("4", "tree", 101),
  });
  const remembered = rememberedTrees(read, 100);
  for (const digit of ["1", "2", "1", "3", "1", "2", "4", "4", "1"]) await remembered([id(digit)]);
  expect(asked.filter((names) => names.length > 0).map(([name]) => name?.[0])).toEqual(
    ["1", "2", "3", "2", "4", "4", "1"], // 4 is larger than all that is kept
  );
});

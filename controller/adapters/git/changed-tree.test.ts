import { expect, it } from "vitest";
import { treeOf } from "../../../test/fakes/commit-history.ts";
import { changedTree } from "./changed-tree.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const tree = treeOf([
  {
    id: "c1",
    message: "",
    files: new Map([
      ["a/old", bytes("1")],
      ["a/sub/kept", bytes("2")],
      ["b/other", bytes("3")],
    ]),
  },
]);
const view = changedTree(
  tree,
  new Map<string, string | Uint8Array | null>([
    ["a/old", null],
    ["a/new", "4"],
    ["a/sub/more", bytes("5")],
  ]),
);

it("shows files as they will be", async () => {
  expect(await view.readFile("a/old")).toBeNull();
  expect(await view.readFile("a/new")).toEqual(bytes("4"));
  expect(await view.readFile("a/sub/kept")).toEqual(bytes("2"));
  expect(await view.readDirectory("a")).toEqual(
    new Map([
      ["sub/kept", bytes("2")],
      ["new", bytes("4")],
      ["sub/more", bytes("5")],
    ]),
  );
  expect(await view.readDirectory("b")).toEqual(new Map([["other", bytes("3")]]));
  await expect(view.readFile("../a")).rejects.toMatchObject({ code: "SpecInvalid" });
});
it("has the history of the tree below", async () => {
  expect([view.commit, await view.lastCommitOf("a/new"), await view.lastCommitOf("a/old")]).toEqual(["c1", null, "c1"]);
});

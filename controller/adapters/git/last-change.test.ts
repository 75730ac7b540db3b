import { expect, it, vi } from "vitest";
import type { GitObject } from "./cat-file.ts";
import { lastChange } from "./last-change.ts";

/** Commits by their ids: parents, and what stands at the path. */
type History = Readonly<Record<string, { readonly parents: readonly string[]; readonly entry: string | null }>>;

const commitObject = (id: string, parents: readonly string[], body = ""): GitObject => {
  const lines = ["tree f00d", ...parents.map((parent) => `parent ${parent}`), "author a <a> 0 +0000"];
  return { id, type: "commit", content: Buffer.from(`${lines.join("\n")}\n\n${body}`) };
};

function walk(history: History, tip: string, body?: string) {
  const askGit = vi.fn<(from: string) => Promise<string>>(async (from) => `asked from ${from}`);
  const commitOf = async (id: string) => commitObject(id, history[id]?.parents ?? [], body);
  const entryIn = async (id: string) => history[id]?.entry ?? null;
  return { found: lastChange({ commitOf, entryIn }, tip, askGit), askGit };
}

const chain = (entries: readonly (string | null)[]): History =>
  Object.fromEntries(
    entries.map((entry, index) => [`a${index}`, { parents: index === 0 ? [] : [`a${index - 1}`], entry }]),
  );

it.each([
  ["the tip", ["x", "y"], "a1"],
  ["an earlier commit", ["x", "y", "y", "y"], "a1"],
  ["the first commit", ["x", "x", "x"], "a0"],
  ["a removal", ["x", null, null], "a1"],
  ["none", [null, null], null],
])("finds %s", async (_, entries, wanted) => {
  const { found, askGit } = walk(chain(entries), `a${entries.length - 1}`);
  expect(await found).toBe(wanted);
  expect(askGit).not.toHaveBeenCalled();
});

it("goes where a merge has the path from, and stops at one that made it anew", async () => {
  const history: History = {
    ...{ a: { parents: [], entry: "x" }, b: { parents: ["a"], entry: "y" }, c: { parents: ["a"], entry: "x" } },
    ...{ d: { parents: ["c", "b"], entry: "y" }, e: { parents: ["b", "c"], entry: "z" } },
  };
  expect(await walk(history, "d").found).toBe("b");
  expect(await walk(history, "e").found).toBe("e");
});

it("asks git from where it stands, after some steps", async () => {
  const { found, askGit } = walk(chain(Array.from({ length: 30 }, () => "x")), "a29");
  expect(await found).toBe("asked from a21");
  expect(askGit).toHaveBeenCalledTimes(1);
});

it("asks git where the history is cut off, at the tip or behind it", async () => {
  const cut: History = { a: { parents: ["dead"], entry: "x" }, b: { parents: ["a"], entry: "x" } };
  const commitOf = async (id: string) => (id === "dead" ? null : commitObject(id, cut[id]?.parents ?? []));
  const entryIn = async (id: string) => cut[id]?.entry ?? null;
  const askGit = async (from: string) => `asked from ${from}`;
  expect(await lastChange({ commitOf, entryIn }, "b", askGit)).toBe("asked from a");
  expect(await lastChange({ commitOf: async () => null, entryIn }, "b", askGit)).toBe("asked from b");
});

it("takes no line of a message for a parent, and nothing but a commit for a commit", async () => {
  expect(await walk(chain(["x", "x"]), "a1", "parent beef\n\nparent beef\n").found).toBe("a0");
  const commitOf = async (): Promise<GitObject> => ({ id: "a", type: "tag", content: new Uint8Array() });
  await expect(lastChange({ commitOf, entryIn: async () => "x" }, "a", async () => null)).rejects.toMatchObject({
    code: "RepositoryUnusable",
  });
});

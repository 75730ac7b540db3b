import { describe, expect, it } from "vitest";
import { ReleaseError } from "../../controller/domain/errors.ts";
import type { FileChange } from "../../controller/domain/spec-files.ts";
import type { SpecRepository } from "../../controller/ports/spec-repository.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const files = (given: Record<string, string>) =>
  new Map(Object.entries(given).map(([path, text]) => [path, bytes(text)]));

/** Every SpecRepository keeps these promises. `make` gives an empty one. */
export function specRepositoryContract(name: string, make: () => Promise<SpecRepository>): void {
  const committed = async (repository: SpecRepository, ...changes: FileChange[]) =>
    (await repository.commit(async () => ({ changes, message: "test\n" }))).commit;

  describe(`${name} is a spec repository`, () => {
    it("is empty at first", async () => {
      const tip = await (await make()).tip();
      expect(tip.commit).toBeNull();
      expect(await tip.readFile("specs/demo/release.yaml")).toBeNull();
      expect(await tip.list("specs")).toEqual([]);
      expect(await tip.readDirectory("specs")).toEqual(new Map());
      expect(await tip.lastCommitOf("specs")).toBeNull();
      expect(await tip.everHeld("specs", files({ a: "1" }))).toBe(false);
      expect(await tip.everyContentOf("specs/a")).toEqual([]);
    });

    it("gives back what was committed, byte for byte", async () => {
      const repository = await make();
      const binary = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
      const commit = await committed(
        repository,
        { path: "specs/demo/release.yaml", content: "version: ü\r\nno newline at the end" },
        { path: "specs/demo/logo.bin", content: binary },
        { path: "specs/demo/deep/er/empty", content: "" },
        { path: "specs/demo-2/release.yaml", content: "x" },
      );
      const tip = await repository.tip();
      expect(tip.commit).toBe(commit);
      expect(commit).toMatch(/^[0-9a-f]{40}/);
      expect(await tip.readFile("specs/demo/logo.bin")).toEqual(binary);
      expect(await tip.readFile("specs/demo")).toBeNull();
      expect(await tip.readDirectory("specs/demo")).toEqual(
        new Map([
          ["deep/er/empty", bytes("")],
          ["logo.bin", binary],
          ["release.yaml", bytes("version: ü\r\nno newline at the end")],
        ]),
      );
      expect(await tip.list("specs/demo")).toMatchObject([
        { name: "deep", kind: "directory" },
        { name: "logo.bin", kind: "file" },
        { name: "release.yaml", kind: "file" },
      ]);
      expect(await tip.list("specs/demo/release.yaml")).toEqual([]);
    });

    it("names contents in a list: the same in whichever commit, another one for any other", async () => {
      const repository = await make();
      const ids = async () => new Map((await (await repository.tip()).list("specs")).map(({ name, id }) => [name, id]));
      await committed(repository, { path: "specs/a/x", content: "1" }, { path: "specs/b/x", content: "1" });
      const before = await ids();
      expect(before.get("a")).toBe(before.get("b"));
      await committed(repository, { path: "specs/b/x", content: "2" });
      const after = await ids();
      expect([after.get("a") === before.get("a"), after.get("b") === before.get("b")]).toEqual([true, false]);
      await committed(repository, { path: "specs/b/x", content: "1" });
      expect(await ids()).toEqual(before);
    });

    it("removes files, and lets a file take the place of a folder and back", async () => {
      const repository = await make();
      await committed(repository, { path: "specs/a/b", content: "1" }, { path: "specs/c", content: "1" });
      await committed(repository, { path: "specs/a", content: "2" }, { path: "specs/a/b", content: null });
      expect(await (await repository.tip()).readDirectory("specs")).toEqual(files({ a: "2", c: "1" }));
      await committed(repository, { path: "specs/a/d", content: "3" }, { path: "specs/a", content: null });
      expect(await (await repository.tip()).readDirectory("specs")).toEqual(files({ "a/d": "3", c: "1" }));
    });

    it("does not commit what it already has, nor nothing", async () => {
      const repository = await make();
      expect(await repository.commit(async () => null)).toEqual({ commit: null, changed: false });
      const commit = await committed(repository, { path: "specs/a", content: "1" });
      const again = await repository.commit(async () => ({
        changes: [{ path: "specs/a", content: "1" }],
        message: "m",
      }));
      expect(again).toEqual({ commit, changed: false });
      const gone = await repository.commit(async () => ({
        changes: [{ path: "specs/z", content: null }],
        message: "m",
      }));
      expect(gone).toEqual({ commit, changed: false });
      expect(await repository.commit(async () => ({ changes: [], message: "m" }))).toEqual({ commit, changed: false });
    });

    it("keeps a tree as it was while others commit", async () => {
      const repository = await make();
      await committed(repository, { path: "specs/a", content: "1" });
      const before = await repository.tip();
      await committed(repository, { path: "specs/a", content: "2" });
      expect(await before.readFile("specs/a")).toEqual(bytes("1"));
      expect(await before.everHeld("specs/a", bytes("2"))).toBe(false);
    });

    it("knows the last commit that touched a path, whatever else was committed", async () => {
      const repository = await make();
      await committed(repository, { path: "specs/demo/a", content: "1" });
      const second = await committed(repository, { path: "specs/demo/b", content: "1" });
      const other = await committed(repository, { path: "specs/other/a", content: "1" });
      const tip = await repository.tip();
      expect(await tip.idOf("specs/demo")).toBe((await tip.list("specs")).find(({ name }) => name === "demo")?.id);
      expect([await tip.idOf("specs/dem"), await tip.idOf("specs/demo/none/x")]).toEqual([null, null]);
      expect(await tip.lastCommitOf("specs/demo")).toBe(second);
      expect(await tip.lastCommitOf("specs")).toBe(other);
      expect(await tip.lastCommitOf("specs/dem")).toBeNull();
      const removal = await committed(repository, { path: "specs/demo/b", content: null });
      expect(await (await repository.tip()).lastCommitOf("specs/demo")).toBe(removal);
    });

    it("knows whether a folder or a file ever had exactly this content", async () => {
      const repository = await make();
      const first = files({ "release.yaml": "1", "a-b": "x", "a/c": "y" });
      await committed(repository, ...[...first].map(([path, content]) => ({ path: `specs/demo/${path}`, content })));
      await committed(repository, { path: "specs/demo/release.yaml", content: "2" });
      await committed(repository, { path: "specs/demo/lock.amd64.json", content: "{}" });
      await committed(repository, { path: "toolchain/lock.amd64.json", content: "{}" });
      const tip = await repository.tip();
      expect(await tip.everHeld("specs/demo", first)).toBe(true);
      expect(await tip.everHeld("specs/demo", await tip.readDirectory("specs/demo"))).toBe(true);
      expect(await tip.everHeld("specs/demo", files({ "release.yaml": "1" }))).toBe(false);
      expect(await tip.everHeld("specs/demo", files({ "release.yaml": "1", "a-b": "x", "a/c": "z" }))).toBe(false);
      expect(await tip.everHeld("specs/other", first)).toBe(false);
      expect(await tip.everHeld("toolchain/lock.amd64.json", bytes("{}"))).toBe(true);
      expect(await tip.everHeld("toolchain/lock.amd64.json", bytes("{ }"))).toBe(false);
      expect(await tip.everHeld("specs/demo", new Map())).toBe(false);
    });

    it("remembers a content that was removed", async () => {
      const repository = await make();
      await committed(repository, { path: "specs/demo/a", content: "1" });
      await committed(repository, { path: "specs/demo/a", content: null });
      const tip = await repository.tip();
      expect(await tip.everHeld("specs/demo", files({ a: "1" }))).toBe(true);
      expect(await tip.list("specs")).toEqual([]);
    });

    it("gives each content that a file had, once", async () => {
      const repository = await make();
      for (const content of ["1", "2", "1", "3"]) await committed(repository, { path: "specs/a", content });
      const contents = await (await repository.tip()).everyContentOf("specs/a");
      expect(contents.map((content) => new TextDecoder().decode(content)).toSorted()).toEqual(["1", "2", "3"]);
    });

    it("asks again on top of the new tip when another writer was faster", async () => {
      const repository = await make();
      const seen: (string | null)[] = [];
      const outcome = await repository.commit(async (tip) => {
        seen.push(tip.commit);
        if (seen.length === 1) await committed(repository, { path: "specs/theirs", content: "1" });
        const theirs = await tip.readFile("specs/theirs");
        return { changes: [{ path: "specs/ours", content: theirs ?? "nothing" }], message: "ours" };
      });
      expect(seen[0]).toBeNull();
      expect(seen[1]).toMatch(/^[0-9a-f]{40}/);
      expect(outcome.changed).toBe(true);
      expect(await (await repository.tip()).readDirectory("specs")).toEqual(files({ theirs: "1", ours: "1" }));
    });

    it("gives up with PushConflict when another writer is always faster", async () => {
      const repository = await make();
      let count = 0;
      const attempt = repository.commit(async () => {
        count += 1;
        await committed(repository, { path: "specs/theirs", content: `${count}` });
        return { changes: [{ path: "specs/ours", content: "1" }], message: "ours" };
      });
      await expect(attempt).rejects.toMatchObject({ code: "PushConflict", kind: "transient" });
      expect(count).toBe(8);
      expect(await (await repository.tip()).readDirectory("specs")).toEqual(files({ theirs: "8" }));
    });

    it("commits nothing when the proposal throws", async () => {
      const repository = await make();
      const attempt = repository.commit(() => Promise.reject(new Error("no idea")));
      await expect(attempt).rejects.toThrow("no idea");
      expect((await repository.tip()).commit).toBeNull();
    });

    it.each(["../outside", "/etc/passwd", "specs/../../x", ".git/config", "specs/.git/hooks/x", "a\nb", ""])(
      "refuses the path %j everywhere",
      async (path) => {
        const repository = await make();
        await committed(repository, { path: "specs/a", content: "1" });
        const tip = await repository.tip();
        const refused = { name: ReleaseError.name, code: "SpecInvalid" };
        await expect(tip.readFile(path)).rejects.toMatchObject(refused);
        await expect(tip.list(path)).rejects.toMatchObject(refused);
        await expect(tip.readDirectory(path)).rejects.toMatchObject(refused);
        await expect(tip.idOf(path)).rejects.toMatchObject(refused);
        await expect(tip.lastCommitOf(path)).rejects.toMatchObject(refused);
        await expect(tip.everHeld(path, bytes("1"))).rejects.toMatchObject(refused);
        await expect(tip.everyContentOf(path)).rejects.toMatchObject(refused);
        await expect(committed(repository, { path, content: "1" })).rejects.toMatchObject(refused);
        expect((await repository.tip()).commit).toBe(tip.commit);
      },
    );

    it("takes glob characters in a path as they are", async () => {
      const repository = await make();
      await committed(repository, { path: "specs/a*", content: "1" }, { path: "specs/ab", content: "2" });
      const tip = await repository.tip();
      expect(await tip.readFile("specs/a*")).toEqual(bytes("1"));
      expect(await tip.readFile("specs/[a]b")).toBeNull();
      expect(await tip.lastCommitOf("specs/*")).toBeNull();
    });
  });
}

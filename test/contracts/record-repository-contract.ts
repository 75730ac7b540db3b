import { describe, expect, it } from "vitest";
import { digestOf, sha256Hex } from "../../builders/contract/digest.ts";
import { parseRecordTrailers } from "../../controller/domain/record-commit.ts";
import type { FileChange } from "../../controller/domain/spec-files.ts";
import type { RecordEntry, RecordRepository, RecordTree } from "../../controller/ports/record-repository.ts";

/** An empty branch of records: who is tested, another process that writes it too, and its messages, oldest first. */
export type RecordsUnderTest = {
  readonly records: RecordRepository;
  readonly rival: RecordRepository;
  readonly messages: () => Promise<readonly string[]>;
};

const bytes = (text: string) => new TextEncoder().encode(text);

/** An entry of a release with these files below its record; `step` makes its idempotency key. */
export const entryOf = (
  release: string,
  step: string,
  files: Readonly<Record<string, string | null>>,
): RecordEntry => ({
  release,
  specDigest: digestOf(release),
  idempotencyKey: sha256Hex(`${release}/${step}`),
  summary: step,
  propose: async () =>
    Object.entries(files).map(([name, content]) => ({ path: `records/${release}/${name}`, content })),
});

/** The same entry with other changes. */
const proposing = (entry: RecordEntry, propose: (tip: RecordTree) => Promise<readonly FileChange[]>): RecordEntry => ({
  ...entry,
  propose,
});

/** Counts entries in the index, as any entry may: it depends on what came before. */
async function countUp(tip: RecordTree): Promise<FileChange> {
  const path = "records/index.json";
  const before = new TextDecoder().decode((await tip.readFile(path)) ?? bytes("0"));
  return { path, content: `${Number(before) + 1}` };
}

/** Every RecordRepository keeps these promises. */
export function recordRepositoryContract(name: string, make: () => Promise<RecordsUnderTest>): void {
  describe(`${name} is a record repository`, () => {
    it("is empty at first, and gives back what was committed", async () => {
      const { records, messages } = await make();
      expect((await records.tip()).commit).toBeNull();
      const { commit, changed } = await records.commit(
        entryOf("demo", "release", { "status.yaml": "a: ü\n", "sbom/amd64.json": "{}" }),
      );
      const tip = await records.tip();
      expect(changed).toBe(true);
      expect(tip.commit).toBe(commit);
      expect(await tip.readDirectory("records")).toEqual(
        new Map([
          ["demo/sbom/amd64.json", bytes("{}")],
          ["demo/status.yaml", bytes("a: ü\n")],
        ]),
      );
      const [message = "", ...others] = await messages();
      expect(others).toEqual([]);
      expect(message).toMatch(/^demo: release\n/);
      expect(parseRecordTrailers(message)).toEqual([
        { release: "demo", specDigest: digestOf("demo"), idempotencyKey: sha256Hex("demo/release") },
      ]);
    });

    it("adopts the tip where the files are there already, and commits no nothing", async () => {
      const { records, messages } = await make();
      expect(await records.commit(entryOf("demo", "none", {}))).toEqual({ commit: null, changed: false });
      expect(await records.commit(entryOf("demo", "none", { "a.json": null }))).toEqual({
        commit: null,
        changed: false,
      });
      const { commit } = await records.commit(entryOf("demo", "release", { "a.json": "1" }));
      const again = await records.commit(entryOf("demo", "later", { "a.json": "1", "b.json": null }));
      expect(again).toEqual({ commit, changed: false });
      expect(await messages()).toHaveLength(1);
    });

    it("adopts the commit that carries the release's key, whatever came since and whatever the files are", async () => {
      const { records, rival, messages } = await make();
      const first = await records.commit(entryOf("demo", "release", { "a.json": "1" }));
      await rival.commit(entryOf("demo", "later", { "a.json": "2" }));
      let asked = 0;
      const again = await records.commit(
        proposing(entryOf("demo", "release", {}), async () => {
          asked += 1;
          return [{ path: "records/demo/a.json", content: "3" }];
        }),
      );
      expect(again).toEqual({ commit: first.commit, changed: false });
      expect(asked).toBe(0);
      expect(await (await records.tip()).readFile("records/demo/a.json")).toEqual(bytes("2"));
      // the same key in the name of another release marks another effect
      const other = { ...entryOf("other", "release", { "a.json": "1" }), idempotencyKey: sha256Hex("demo/release") };
      expect(await records.commit(other)).toMatchObject({ changed: true });
      expect(await messages()).toHaveLength(3);
    });

    it("commits an effect again whose record was taken away", async () => {
      const { records, rival, messages } = await make();
      const entry = entryOf("demo", "release", { "a.json": "1" });
      await records.commit(entry);
      await rival.commit(entryOf("demo", "removal", { "a.json": null }));
      const again = await records.commit(entry);
      const tip = await records.tip();
      expect(again).toEqual({ commit: tip.commit, changed: true });
      expect(await records.commit(entry)).toEqual({ commit: tip.commit, changed: false });
      expect(await tip.readFile("records/demo/a.json")).toEqual(bytes("1"));
      expect(await messages()).toHaveLength(3);
    });

    it("finds no key in the text of a message", async () => {
      const { records } = await make();
      const entry = entryOf("demo", "release", { "a.json": "1" });
      const quoting = {
        ...entryOf("other", "release", { "a.json": "1" }),
        summary: `Release: demo\n\nIdempotency-Key: ${entry.idempotencyKey}`,
      };
      await records.commit(quoting);
      expect(await records.commit(entry)).toMatchObject({ changed: true });
    });

    it("asks again on top of the new tip when another writer was faster", async () => {
      const { records, rival } = await make();
      const seen: (string | null)[] = [];
      await records.commit(
        proposing(entryOf("demo", "release", {}), async (tip) => {
          seen.push(tip.commit);
          const count = await countUp(tip);
          if (seen.length === 1)
            await rival.commit(proposing(entryOf("b", "1", {}), async (tip) => [await countUp(tip)]));
          return [count];
        }),
      );
      expect(seen[0]).toBeNull();
      expect(seen[1]).toMatch(/^[0-9a-f]{40}/);
      expect(await (await records.tip()).readFile("records/index.json")).toEqual(bytes("2"));
    });

    it("gives up with PushConflict when another writer is always faster", async () => {
      const { records, rival } = await make();
      let count = 0;
      const attempt = records.commit(
        proposing(entryOf("demo", "release", {}), async () => {
          count += 1;
          await rival.commit(entryOf("rival", `${count}`, { "a.json": `${count}` }));
          return [{ path: "records/demo/a.json", content: "1" }];
        }),
      );
      await expect(attempt).rejects.toMatchObject({ code: "PushConflict", kind: "transient" });
      expect(count).toBe(8);
      expect(await (await records.tip()).list("records")).toMatchObject([{ name: "rival", kind: "directory" }]);
    });

    it("takes entries that come at once in their order, each on top of those before it", async () => {
      const { records } = await make();
      const names = ["a", "b", "c", "d", "e", "f"];
      const outcomes = await Promise.all(
        names.map((name) =>
          records.commit(
            proposing(entryOf(name, "release", {}), async (tip) => {
              const count = await countUp(tip);
              return [count, { path: `records/${name}/status.yaml`, content: count.content }];
            }),
          ),
        ),
      );
      expect(outcomes.every(({ changed }) => changed)).toBe(true);
      const tip = await records.tip();
      expect(outcomes.at(-1)?.commit).toBe(tip.commit);
      expect(await tip.readDirectory("records")).toEqual(
        new Map([
          ...names.map((name, index) => [`${name}/status.yaml`, bytes(`${index + 1}`)] as const),
          ["index.json", bytes("6")],
        ]),
      );
    });

    it("takes an effect once, though it comes several times at once", async () => {
      const { records, messages } = await make();
      const outcomes = await Promise.all([
        records.commit(entryOf("other", "release", { "a.json": "1" })),
        ...["1", "2", "3"].map((content) => records.commit(entryOf("demo", "release", { "a.json": content }))),
      ]);
      expect(outcomes.map(({ changed }) => changed)).toEqual([true, true, false, false]);
      expect(new Set(outcomes.slice(1).map(({ commit }) => commit)).size).toBe(1);
      expect(await (await records.tip()).readFile("records/demo/a.json")).toEqual(bytes("1"));
      expect((await messages()).flatMap((message) => parseRecordTrailers(message))).toHaveLength(2);
    });

    it("fails an entry without harm to those beside it", async () => {
      const { records } = await make();
      const results = await Promise.allSettled([
        records.commit(entryOf("a", "release", { "a.json": "1" })),
        records.commit(proposing(entryOf("b", "release", {}), () => Promise.reject(new Error("no idea")))),
        records.commit(entryOf("c", "release", { "../a/a.json": "2" })),
        records.commit(entryOf("d", "release", { "a.json": "1" })),
      ]);
      expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
      expect(results[1]).toMatchObject({ reason: new Error("no idea") });
      expect(results[2]).toMatchObject({ reason: { code: "SpecInvalid" } });
      expect((await (await records.tip()).list("records")).map(({ name }) => name)).toEqual(["a", "d"]);
    });

    it("never lets a closed record change, but for its status and a revocation", async () => {
      const { records, messages } = await make();
      const files = { "release.sigstore.json": "{}", "sbom/amd64.json": "1", "status.yaml": "1" };
      await records.commit(entryOf("demo", "release", files));
      const refused = async (step: string, changes: Record<string, string | null>) =>
        expect(records.commit(entryOf("demo", step, changes)), step).rejects.toMatchObject({
          code: "RecordInvalid",
          kind: "permanent",
        });
      await refused("change", { "sbom/amd64.json": "2" });
      await refused("removal", { "sbom/amd64.json": null });
      await refused("addition", { "sbom/arm64.json": "1" });
      await refused("reopening", { "release.sigstore.json": null });
      await records.commit(
        entryOf("demo", "revoke", { ...files, "status.yaml": "2", "revocation.sigstore.json": "{}" }),
      );
      expect(await messages()).toHaveLength(2);
      const tip = await records.tip();
      expect(await tip.readFile("records/demo/status.yaml")).toEqual(bytes("2"));
      expect(await tip.readFile("records/demo/sbom/amd64.json")).toEqual(bytes("1"));
    });

    it("touches nothing but the release's own record and the index", async () => {
      const { records } = await make();
      for (const path of [
        "specs/demo/release.yaml",
        "records/other/status.yaml",
        "records/demo",
        "policy/verify.yaml",
      ]) {
        const entry = proposing(entryOf("demo", "release", {}), async () => [{ path, content: "1" }]);
        await expect(records.commit(entry), path).rejects.toMatchObject({ code: "RecordInvalid" });
      }
      expect((await records.tip()).commit).toBeNull();
    });
  });
}

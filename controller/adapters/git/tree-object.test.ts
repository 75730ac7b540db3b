import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { entryNamed, type TreeEntry, treeEntries } from "./tree-object.ts";

const ID = "ce013625030ba8dba906f756967f9e9ca394464a";
const bytesOf = (entries: readonly TreeEntry[]): Buffer =>
  Buffer.concat(entries.flatMap(({ mode, name, id }) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(id, "hex")]));
const treeOf = (content: Uint8Array) => ({ id: ID, type: "tree", content });

const entry = fc.record({
  mode: fc.constantFrom("40000", "100644", "100755", "120000"),
  name: fc.string({ minLength: 1, unit: "binary" }).filter((name) => !/[\0/]/.test(name) && name.isWellFormed()),
  id: fc.uint8Array({ minLength: 20, maxLength: 20 }).map((raw) => Buffer.from(raw).toString("hex")),
});

describe("entries of a tree", () => {
  it("are read back, whatever names and ids hold", () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        expect(treeEntries(treeOf(bytesOf(entries)))).toEqual(entries);
      }),
    );
  });
  it("are found by their names, whatever ids hold", () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1 }), fc.nat(), (entries, nth) => {
        const { name } = entries[nth % entries.length] as TreeEntry;
        const tree = treeOf(bytesOf(entries));
        expect(entryNamed(tree, name)).toEqual(entries.find((one) => one.name === name));
        expect(entryNamed(tree, `${name}?`)).toEqual(entries.find((one) => one.name === `${name}?`));
      }),
    );
    // the id of the first spells out a second entry
    const id = Buffer.concat([Buffer.from("xx100644 b\0"), Buffer.alloc(9)]).toString("hex");
    expect(entryNamed(treeOf(bytesOf([{ mode: "100644", name: "a", id }])), "b")).toBeUndefined();
  });
  it("are refused where bytes are no tree, and never asked for without an end", () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1 }), fc.uint8Array(), fc.nat(), (entries, more, cut) => {
        const whole = bytesOf(entries);
        const first = bytesOf(entries.slice(0, 1)).length;
        const short = whole.subarray(0, 1 + (cut % (first - 1)));
        expect(() => treeEntries(treeOf(short))).toThrow(/malformed/);
        expect(() => entryNamed(treeOf(short), "/")).toThrow(/malformed/);
        const tail = Buffer.from(more.filter((byte) => byte !== 0)); // a name that never ends
        if (tail.length > 0) {
          expect(() => treeEntries(treeOf(Buffer.concat([whole, tail])))).toThrow(/malformed/);
        }
      }),
    );
  });
  it("are refused of anything else", () => {
    const blob = { id: ID, type: "blob", content: new Uint8Array() };
    expect(() => treeEntries(blob)).toThrow(expect.objectContaining({ code: "RepositoryUnusable" }));
  });
});

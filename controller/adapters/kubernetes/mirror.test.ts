import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ObjectChange } from "../../ports/object-cache.ts";
import type { ApiObject } from "./api-object.ts";
import { createMirror, type Mirror, type ServerTurn } from "./mirror.ts";

const object = (name: string, version: number, uid = name): ApiObject => ({
  metadata: { name, uid, resourceVersion: String(version) },
});
const versionOf = ({ metadata }: ApiObject): string => `${metadata.uid}@${metadata.resourceVersion}`;
const page = (items: ApiObject[], version: number, more?: string): ServerTurn => ({
  kind: "page",
  page: { items, resourceVersion: String(version), ...(more === undefined ? {} : { continue: more }) },
});
const changed = (one: ApiObject): ServerTurn => ({ kind: "event", event: { kind: "changed", object: one } });
const deleted = (one: ApiObject): ServerTurn => ({ kind: "event", event: { kind: "deleted", object: one } });

describe("a mirror", () => {
  it("tells what a list and a watch add, change and delete", () => {
    const mirror = createMirror(versionOf, () => 0.5);
    expect(mirror.take(page([object("a", 1), object("b", 2)], 5))).toEqual([
      { key: "a", before: undefined, after: "a@1" },
      { key: "b", before: undefined, after: "b@2" },
    ]);
    expect(mirror.take(changed(object("a", 6)))).toEqual([{ key: "a", before: "a@1", after: "a@6" }]);
    expect(mirror.take(deleted(object("b", 7)))).toEqual([{ key: "b", before: "b@2", after: undefined }]);
    expect(mirror.state().next).toEqual({ do: "watch", resourceVersion: "7" });
    expect([...mirror.values()]).toEqual(["a@6"]);
  });

  it("has synced after the last page, not before", () => {
    const mirror = createMirror(versionOf, () => 0.5);
    mirror.take(page([object("a", 1)], 5, "more"));
    expect([mirror.hasSynced(), mirror.state().next]).toEqual([false, { do: "list", from: "more" }]);
    mirror.take(page([object("b", 2)], 5));
    expect([mirror.hasSynced(), [...mirror.values()]]).toEqual([true, ["a@1", "b@2"]]);
  });

  it("is told nothing new by what it has, and finds what was deleted or made anew meanwhile", () => {
    const mirror = createMirror(versionOf, () => 0.5);
    mirror.take(page([object("a", 1), object("b", 2), object("c", 3)], 5));
    mirror.take({ kind: "failed", cause: "expired" });
    expect(mirror.take(page([object("a", 1), object("c", 9, "c2")], 10))).toEqual([
      { key: "c", before: "c@3", after: "c2@9" },
      { key: "b", before: "b@2", after: undefined },
    ]);
  });

  it("begins a list anew when a later page has expired, without what the first one had", () => {
    const mirror = createMirror(versionOf, () => 0.5);
    mirror.take(page([object("a", 1)], 5, "more"));
    mirror.take({ kind: "failed", cause: "expired" });
    expect(mirror.state().next).toEqual({ do: "list", from: undefined });
    expect(mirror.take(page([object("b", 8)], 9))).toContainEqual({ key: "a", before: "a@1", after: undefined });
  });
});

/** A server in memory with a short history, and a mirror that asks it. */
function setUp() {
  const objects = new Map<string, ApiObject>();
  const history: { readonly version: number; readonly turn: ServerTurn }[] = [];
  let version = 0;
  let oldest = 0;
  const lists = new Map<string, { readonly rest: ApiObject[]; readonly version: number }>();
  const mirror: Mirror<string> = createMirror(versionOf, () => 0.5);
  const copy = new Map<string, string>();
  let changes = 0;

  const take = (turn: ServerTurn): void => {
    for (const { key, before, after } of mirror.take(turn) as ObjectChange<string>[]) {
      changes += 1;
      expect(copy.get(key)).toBe(before);
      expect(after).not.toBe(before);
      if (after === undefined) copy.delete(key);
      else copy.set(key, after);
    }
  };
  const write = (name: string, how: "put" | "delete" | "anew"): void => {
    const before = objects.get(name);
    if (how === "delete" && before === undefined) return;
    version += 1;
    if (how === "delete") {
      objects.delete(name);
      history.push({ version, turn: deleted(object(name, version, before?.metadata.uid)) });
      return;
    }
    const uid = before === undefined || how === "anew" ? `${name}${version}` : before.metadata.uid;
    if (how === "anew" && before !== undefined) {
      history.push({ version, turn: deleted(object(name, version, before.metadata.uid)) });
      version += 1;
    }
    objects.set(name, object(name, version, uid));
    history.push({ version, turn: changed(object(name, version, uid)) });
  };
  const compact = (): void => {
    oldest = version;
    lists.clear();
  };
  /** Answers what the mirror wants, with at most `most` events or objects; false: there was nothing to tell. */
  const answer = (most: number): boolean => {
    const { next } = mirror.state();
    if (next.do === "watch") {
      const from = Number(next.resourceVersion);
      if (from < oldest) {
        take({ kind: "failed", cause: "expired" });
        return true;
      }
      const events = history.filter((entry) => entry.version > from).slice(0, most);
      for (const { turn } of events) take(turn);
      return events.length > 0;
    }
    const list = next.from === undefined ? { rest: [...objects.values()], version } : lists.get(next.from);
    if (list === undefined) {
      take({ kind: "failed", cause: "expired" });
      return true;
    }
    const rest = list.rest.slice(most);
    const token = `${next.from ?? ""}.`;
    if (rest.length > 0) lists.set(token, { rest, version: list.version });
    take(page(list.rest.slice(0, most), list.version, rest.length > 0 ? token : undefined));
    return true;
  };
  const bookmark = (): void => {
    const { next } = mirror.state();
    if (next.do !== "watch" || Number(next.resourceVersion) < oldest) return;
    if (history.some((entry) => entry.version > Number(next.resourceVersion))) return; // all before it was told
    take({ kind: "event", event: { kind: "bookmark", resourceVersion: String(version) } });
  };
  const state = () => Object.fromEntries(Array.from(objects, ([name, one]) => [name, versionOf(one)]));
  return { mirror, copy, take, write, compact, answer, bookmark, state, changes: () => changes };
}

const name = fc.constantFrom("a", "b", "c", "d");
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("write" as const), name, how: fc.constantFrom("put", "delete", "anew") }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("answer" as const), most: fc.integer({ min: 1, max: 3 }) }) },
  fc.record({
    do: fc.constant("fail" as const),
    cause: fc.constantFrom("throttled", "server-error", "reset", "silence", "refused"),
  }),
  fc.record({ do: fc.constantFrom("compact" as const, "bookmark" as const, "end" as const) }),
);

it("a mirror ends equal to the server, whatever the server does, and tells each change once", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const server = setUp();
      for (const each of steps) {
        if (each.do === "write") server.write(each.name, each.how);
        else if (each.do === "answer") server.answer(each.most);
        else if (each.do === "fail") server.take({ kind: "failed", cause: each.cause });
        else if (each.do === "compact") server.compact();
        else if (each.do === "bookmark") server.bookmark();
        else if (server.mirror.state().next.do === "watch") server.take({ kind: "ended" });
      }
      while (server.answer(3));
      expect(Object.fromEntries(server.copy)).toEqual(server.state());
      expect([...server.mirror.values()].toSorted()).toEqual(Object.values(server.state()).toSorted());
      const before = server.changes();
      server.compact();
      server.take({ kind: "failed", cause: "expired" });
      while (server.answer(2));
      expect(server.changes()).toBe(before);
    }),
    { numRuns: 1000 },
  );
});

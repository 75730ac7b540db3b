import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTurns } from "./turns.ts";

const SIGNAL = new AbortController().signal;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Takes turns by name, and keeps what came of it. */
function takers(limit: () => number) {
  const turns = createTurns(limit);
  const began: string[] = [];
  const places: string[] = [];
  const ends = new Map<string, () => void>();
  const take = (name: string, signal = SIGNAL) =>
    turns
      .take(name, signal, ({ place, of }) => places.push(`${name}: ${place} of ${of}`))
      .then((end) => {
        began.push(name);
        ends.set(name, end);
      });
  return { turns, began, places, take, end: (name: string) => ends.get(name)?.() };
}

describe("turns", () => {
  it("are given at once as long as there are any, then to the oldest", async () => {
    const { began, take, end, places } = takers(() => 1);
    void take("m");
    void take("z");
    void take("a");
    await settled();
    expect([began, places]).toEqual([["m"], ["z: 1 of 1", "a: 1 of 2", "z: 2 of 2"]]);
    end("m");
    end("m"); // ends one turn only
    await settled();
    expect(began).toEqual(["m", "a"]);
    end("a");
    await settled();
    expect([began, places.at(-1)]).toEqual([["m", "a", "z"], "z: 1 of 1"]);
  });
  it("tell those who wait how they get on, and a long queue not at each turn", async () => {
    const { began, take, end, places } = takers(() => 1);
    const names = Array.from({ length: 100 }, (_, index) => String(index).padStart(3, "0"));
    for (const name of names) void take(name);
    for (const name of names) {
      await settled();
      end(name);
    }
    expect(began).toEqual(names);
    const toldTo = (name: string) => places.filter((line) => line.startsWith(`${name}: `));
    expect(Math.max(...names.map((name) => toldTo(name).length))).toBeLessThan(9);
    expect(names.slice(4).every((name) => toldTo(name).slice(-4).join().includes("1 of"))).toBe(true);
    expect(toldTo("008").map((line) => line.split(" ")[1])).toEqual(["8", "4", "2", "1"]);
  });
  it("are given when there are more of them", async () => {
    let limit = 0;
    const { began, take, turns } = takers(() => limit);
    void take("a");
    await settled();
    expect(began).toEqual([]);
    limit = 1;
    turns.changed();
    await settled();
    expect(began).toEqual(["a"]);
  });
  it("are not waited for by whoever gave up", async () => {
    const { began, take, end } = takers(() => 1);
    void take("a");
    const stop = new AbortController();
    const waiting = take("b", stop.signal);
    void take("c");
    stop.abort(new Error("stopped"));
    await expect(waiting).rejects.toThrow("stopped");
    await expect(take("d", stop.signal)).rejects.toThrow("stopped");
    end("a");
    await settled();
    expect(began).toEqual(["a", "c"]);
  });
  it("that come in the moment of giving up are given back", async () => {
    const { began, take, end } = takers(() => 1);
    void take("a");
    await settled();
    const stop = new AbortController();
    const waiting = take("b", stop.signal);
    void take("c");
    end("a");
    stop.abort(new Error("stopped"));
    await expect(waiting).rejects.toThrow("stopped");
    await settled();
    expect(began).toEqual(["a", "c"]);
  });
  it("are not given to those that come after one that was announced", async () => {
    const { began, take, turns } = takers(() => 2);
    const withdraw = turns.announce("b");
    void take("c");
    void take("a");
    await settled();
    expect(began).toEqual(["a"]);
    void take("b");
    withdraw();
    withdraw(); // takes back one only
    await settled();
    expect(began).toEqual(["a", "b"]);
  });
  it("are never more than the limit, and everybody gets one", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 }),
        async (limit, names) => {
          const turns = createTurns(() => limit);
          let now = 0;
          let most = 0;
          const all = names.map(async (name) => {
            const end = await turns.take(name, SIGNAL, () => undefined);
            now += 1;
            most = Math.max(most, now);
            await settled();
            now -= 1;
            end();
          });
          await Promise.all(all);
          expect(most).toBe(Math.min(limit, names.length));
        },
      ),
    );
  });
});

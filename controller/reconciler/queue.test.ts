import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createVirtualTime } from "../../test/fakes/virtual-time.ts";
import { createQueue } from "./queue.ts";

function setUp() {
  const time = createVirtualTime();
  let woken = 0;
  const queue = createQueue({ clock: time.clock(), random: () => 0.5, onReady: () => (woken += 1) });
  const takeAll = () => {
    const keys: string[] = [];
    for (let key = queue.take(); key !== undefined; key = queue.take()) keys.push(key);
    return keys;
  };
  return { time, queue, takeAll, woken: () => woken };
}

describe("the work queue", () => {
  it("gives keys in the order in which they came, each once", () => {
    const { queue, takeAll, woken } = setUp();
    for (const key of ["a", "b", "a", "c", "b"]) queue.add(key);
    expect(takeAll()).toEqual(["a", "b", "c"]);
    expect(woken()).toBe(3);
  });

  it("does not give a key that is worked on, but gives it once more after that", () => {
    const { queue, takeAll } = setUp();
    queue.add("a");
    expect(queue.take()).toBe("a");
    queue.add("a");
    queue.add("a");
    expect(queue.take()).toBeUndefined();
    queue.done("a");
    expect(takeAll()).toEqual(["a"]);
    queue.done("a");
    expect(queue.take()).toBeUndefined();
  });

  it("adds a key later, at the earliest of the wished times", async () => {
    const { time, queue, takeAll } = setUp();
    queue.addAfter("a", 5000);
    queue.addAfter("a", 2000);
    queue.addAfter("a", 9000);
    await time.pass(1999);
    expect(takeAll()).toEqual([]);
    await time.pass(1);
    expect(takeAll()).toEqual(["a"]);
    queue.done("a");
    await time.pass(20_000);
    expect(takeAll()).toEqual([]);
  });

  it("backs off from 750 ms to 15 minutes, each key for itself, until it is forgotten", () => {
    const { queue } = setUp();
    const delays = Array.from({ length: 12 }, () => queue.retry("a"));
    expect(delays.slice(0, 3)).toEqual([750, 1500, 3000]);
    expect(delays.at(-1)).toBe(900_000);
    expect(queue.retry("b")).toBe(750);
    queue.forget("a");
    expect(queue.retry("a")).toBe(750);
  });

  it("waits as long as the other side asks", async () => {
    const { time, queue, takeAll } = setUp();
    expect(queue.retry("a", 7000)).toBe(7000);
    await time.pass(6999);
    expect(takeAll()).toEqual([]);
    await time.pass(1);
    expect(takeAll()).toEqual(["a"]);
  });

  it("gives and takes nothing once it is closed", async () => {
    const { time, queue, takeAll } = setUp();
    queue.add("a");
    queue.take();
    queue.add("a");
    queue.add("b");
    queue.addAfter("c", 1000);
    queue.close();
    queue.add("d");
    queue.addAfter("e", 10);
    queue.done("a");
    await time.pass(5000);
    expect(takeAll()).toEqual([]);
  });

  it("tells its figures", async () => {
    const { time, queue } = setUp();
    for (const key of ["a", "b", "c"]) queue.add(key);
    queue.take();
    await time.pass(1500);
    queue.take();
    queue.retry("b");
    expect(queue.figures()).toEqual({ depth: 1, adds: 3, retries: 1, longestRunning: 1.5 });
    queue.done("a");
    queue.done("b");
    expect(queue.figures().longestRunning).toBe(0);
  });

  it("never gives a key twice at a time, and never loses one", () => {
    const key = fc.constantFrom("a", "b", "c");
    const step = fc.oneof(
      fc.record({ do: fc.constant("add" as const), key }),
      fc.record({ do: fc.constant("take" as const) }),
      fc.record({ do: fc.constant("done" as const), nth: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { queue } = setUp();
        const running: string[] = [];
        const owed = new Set<string>();
        const take = () => {
          const taken = queue.take();
          if (taken === undefined) return false;
          expect(running).not.toContain(taken);
          expect(owed.delete(taken)).toBe(true);
          running.push(taken);
          return true;
        };
        const finish = (nth: number) => {
          const [ended] = running.splice(nth % running.length, 1);
          if (ended !== undefined) queue.done(ended);
        };
        for (const each of steps) {
          if (each.do === "add") {
            queue.add(each.key);
            owed.add(each.key);
          } else if (each.do === "take") take();
          else if (running.length > 0) finish(each.nth);
        }
        while (running.length > 0 || take()) if (running.length > 0) finish(0);
        expect([...owed]).toEqual([]);
      }),
    );
  });
});

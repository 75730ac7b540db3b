import { describe, expect, it } from "vitest";
import { recordedLogger } from "../../test/fakes/recorded-logger.ts";
import { silentMetrics } from "../../test/fakes/silent-metrics.ts";
import { createVirtualTime } from "../../test/fakes/virtual-time.ts";
import { ReleaseError } from "../domain/errors.ts";
import { createLoop } from "./loop.ts";
import type { Outcome } from "./outcome.ts";

const DONE: Outcome = { kind: "done" };

/** A loop whose work waits until the test ends it. */
function setUp(concurrency = 2) {
  const time = createVirtualTime();
  const { log, records } = recordedLogger();
  const started: string[] = [];
  const open = new Map<string, PromiseWithResolvers<Outcome>>();
  const signals = new Map<string, AbortSignal>();
  const results: string[] = [];
  const metrics = { ...silentMetrics, reconciled: (result: string) => void results.push(result) };
  const loop = createLoop({
    ...{ clock: time.clock(), log, metrics, random: () => 0.5, concurrency },
    reconcile: (key, signal) => {
      started.push(key);
      signals.set(key, signal);
      const work = Promise.withResolvers<Outcome>();
      open.set(key, work);
      return work.promise;
    },
  });
  const end = async (key: string, outcome: Outcome | Error = DONE) => {
    if (outcome instanceof Error) open.get(key)?.reject(outcome);
    else open.get(key)?.resolve(outcome);
    await time.pass(0);
  };
  return { time, loop, started, signals, records, results, end };
}

describe("the loop", () => {
  it("works on so many keys at a time, and takes the next when one ends", async () => {
    const { loop, started, end } = setUp();
    loop.start(() => true);
    for (const key of ["a", "b", "c"]) loop.queue.add(key);
    expect(started).toEqual(["a", "b"]);
    await end("a");
    expect(started).toEqual(["a", "b", "c"]);
  });

  it("takes nothing before it is started, nor once it may not work any more", async () => {
    const { loop, started, end } = setUp(1);
    let leads = true;
    loop.queue.add("a");
    loop.queue.add("b");
    expect(started).toEqual([]);
    loop.start(() => leads);
    expect(started).toEqual(["a"]);
    leads = false;
    await end("a");
    expect(started).toEqual(["a"]);
  });

  it("comes back when it was asked to, and after a change meanwhile at once", async () => {
    const { time, loop, started, end } = setUp();
    loop.start(() => true);
    loop.queue.add("a");
    loop.queue.add("a");
    await end("a", { kind: "again", after: 5000 });
    expect(started).toEqual(["a", "a"]);
    await end("a");
    await time.pass(4999);
    expect(started).toHaveLength(2);
    await time.pass(1);
    expect(started).toHaveLength(3);
  });

  it("backs off after what may pass, and from the first wait again after a success", async () => {
    const { time, loop, started, end, results } = setUp();
    const down = new ReleaseError("RegistryUnavailable", "503", "wait");
    loop.start(() => true);
    loop.queue.add("a");
    for (const wait of [750, 1500, 3000]) {
      await end("a", down);
      const before = started.length;
      await time.pass(wait - 1);
      expect(started).toHaveLength(before);
      await time.pass(1);
      expect(started).toHaveLength(before + 1);
    }
    await end("a");
    loop.queue.add("a");
    await end("a", new Error("a bug"));
    await time.pass(750);
    expect(started).toHaveLength(6);
    expect(results).toEqual(["retry", "retry", "retry", "success", "retry"]);
  });

  it("waits as long as the other side asks", async () => {
    const { time, loop, started, end } = setUp();
    loop.start(() => true);
    loop.queue.add("a");
    await end("a", new ReleaseError("ClusterUnavailable", "429", "wait", { retryAfter: 9000 }));
    await time.pass(8999);
    expect(started).toHaveLength(1);
    await time.pass(1);
    expect(started).toHaveLength(2);
  });

  it("leaves a key alone when only a person or a change helps, and says so", async () => {
    const { time, loop, started, end, records, results } = setUp();
    loop.start(() => true);
    loop.queue.add("a");
    await end("a", new ReleaseError("TagConflict", "taken", "use another"));
    await time.pass(86_400_000);
    expect(started).toHaveLength(1);
    expect(results).toEqual(["stalled"]);
    expect(records).toContainEqual(expect.objectContaining({ level: "warn", key: "a", next: "forget" }));
    loop.queue.add("a");
    expect(started).toHaveLength(2);
  });

  it("ends what is under way before it has stopped, and takes nothing new", async () => {
    const { time, loop, started, signals, end } = setUp(1);
    loop.start(() => true);
    loop.queue.add("a");
    loop.queue.add("b");
    let left: readonly string[] | undefined;
    void loop.stop(30_000).then((keys) => (left = keys));
    await time.pass(10_000);
    expect([left, signals.get("a")?.aborted]).toEqual([undefined, false]);
    await end("a");
    expect([left, started]).toEqual([[], ["a"]]);
  });

  it("cuts off what takes longer than the limit, and names it", async () => {
    const { time, loop, signals } = setUp();
    loop.start(() => true);
    loop.queue.add("a");
    const stopped = loop.stop(30_000);
    await time.pass(30_000);
    expect(await stopped).toEqual(["a"]);
    expect(signals.get("a")?.aborted).toBe(true);
  });
});

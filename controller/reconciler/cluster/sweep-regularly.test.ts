import { describe, expect, it } from "vitest";
import { clusterClass, clusterRelease } from "../../../test/fakes/cluster-objects.ts";
import { createVirtualTime } from "../../../test/fakes/virtual-time.ts";
import { sweepRegularly } from "./sweep-regularly.ts";

const MINUTES = 60_000;

function world(over: { readonly fails?: boolean; readonly leadsFor?: number; readonly build?: object } = {}) {
  const time = createVirtualTime();
  const stop = new AbortController();
  const swept: unknown[] = [];
  const told: string[] = [];
  const ended = sweepRegularly(
    {
      classes: {
        values: () => [clusterClass("local", over.build === undefined ? {} : { build: over.build })].values(),
      },
      releases: new Map([["imgrel-system/demo", clusterRelease()]]),
      opener: {
        sweep: async (of, isKnown) => {
          swept.push([of.name, isKnown("demo"), isKnown("gone")]);
          if (over.fails === true) throw new Error("no answer");
          return ["gone"];
        },
      },
      clock: time.clock(),
      log: { info: (message) => void told.push(message), warn: (message) => void told.push(message) },
      isLeader: () => time.now() < (over.leadsFor ?? Number.POSITIVE_INFINITY),
    },
    stop.signal,
  );
  return { time, stop, swept, told, ended };
}

describe("a sweep", () => {
  it("is made every ten minutes, and knows the releases that there are", async () => {
    const { time, stop, swept, told, ended } = world();
    await time.pass(9 * MINUTES);
    expect(swept).toEqual([]);
    await time.pass(12 * MINUTES);
    expect(swept).toEqual([
      ["local", true, false],
      ["local", true, false],
    ]);
    expect(told[0]).toBe("what releases left that are no more was removed");
    stop.abort();
    await expect(ended).resolves.toBeUndefined();
  });
  it("that fails is told and tried again", async () => {
    const { time, swept, told } = world({ fails: true });
    await time.pass(21 * MINUTES);
    expect([swept.length, told]).toEqual([2, Array(2).fill("a sweep did not come to its end")]);
  });
  it("is not made by who leads no more", async () => {
    const { time, swept, ended } = world({ leadsFor: 15 * MINUTES });
    await time.pass(60 * MINUTES);
    expect(swept).toHaveLength(1);
    await expect(ended).resolves.toBeUndefined();
  });
  it("leaves classes alone that build nowhere in the cluster", async () => {
    const { time, swept } = world({ build: {} });
    await time.pass(30 * MINUTES);
    expect(swept).toEqual([]);
  });
});

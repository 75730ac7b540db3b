import { describe, expect, it } from "vitest";
import { fakeReleaseWork } from "../../../test/fakes/release-work.ts";
import { actionKey } from "../../domain/action.ts";
import { reconcile } from "../reconcile.ts";
import { createTurns } from "../turns.ts";
import { guardedWork } from "./guarded-work.ts";
import { createInterrupts } from "./interrupts.ts";

const SPEC = `sha256:${"1".repeat(64)}`;
const forever = new AbortController().signal;

describe("the work on a release among many", () => {
  it("builds in its turn, and tells its place", async () => {
    let now = 0;
    let most = 0;
    const { work } = fakeReleaseWork(SPEC, async ({ kind }) => {
      if (kind !== "build") return;
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
    });
    const places: string[] = [];
    const guarded = guardedWork(work, {
      ...{ isLeader: () => true, builds: createTurns(() => 1), order: "a" },
      onPlace: (action, place) => places.push(`${actionKey(action)}: ${place === null ? "now" : place.place}`),
    });
    expect((await reconcile(guarded, forever)).outcome.kind).toBe("recorded");
    expect(most).toBe(1);
    expect(places).toEqual(["build amd64 run 2: 1", "build amd64 run 1: now", "build amd64 run 2: now"]);
  });
  it("does nothing once another process leads", async () => {
    let leads = true;
    const { work, started } = fakeReleaseWork(SPEC, async ({ kind }) => {
      if (kind === "compare") leads = false;
    });
    const guards = { isLeader: () => leads, builds: createTurns(() => 2), order: "a", onPlace: () => undefined };
    await expect(reconcile(guardedWork(work, guards), forever)).rejects.toMatchObject({ code: "LeaseLost" });
    expect(started.join()).toMatch("compare amd64");
    expect(started.join()).not.toMatch(/sign|publish|tag|record/);
  });
});

describe("an interrupt", () => {
  it("ends the work on its key only", async () => {
    const interrupts = createInterrupts();
    const work = (key: string) =>
      interrupts.during(
        key,
        forever,
        (signal) =>
          new Promise((resolve, reject) => {
            signal.addEventListener("abort", () => reject(new Error(`${key}: ${signal.reason.message}`)));
            setImmediate(resolve);
          }),
      );
    const [a, b] = [work("a"), work("b")];
    interrupts.interrupt("a", "it is deleted");
    interrupts.interrupt("c", "nobody works on it");
    await expect(a).rejects.toThrow("a: it is deleted");
    await expect(b).resolves.toBeUndefined();
  });
});

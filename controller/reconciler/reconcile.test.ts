import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { fakeReleaseWork } from "../../test/fakes/release-work.ts";
import { type Action, actionKey } from "../domain/action.ts";
import { reconcile, type ReleaseWork } from "./reconcile.ts";

const SPEC = `sha256:${"1".repeat(64)}`;
const never = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(new Error("ended"))));

/** A release of one target without disks; each action takes effect when `perform` resolves. */
const release = (perform?: (action: Action, signal: AbortSignal) => Promise<void>) => fakeReleaseWork(SPEC, perform);

const forever = new AbortController().signal;

/** V8's collector; node gives it out only on request. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

/** Brings a release to its end: what is left of it, and a signal of it, as a connection that is kept remembers it. */
async function endedRelease() {
  let kept = forever;
  const { work } = release((_, signal) => {
    kept = signal;
    return Promise.resolve();
  });
  await reconcile(work, forever);
  return { work: new WeakRef(work), kept };
}

describe("reconcile", () => {
  it("acts until the release is recorded, and does nothing a second time", async () => {
    const { work, started } = release();
    const reasons: string[] = [];
    const decision = await reconcile(work, forever, ({ outcome }) => reasons.push(outcome.kind));
    expect(decision.outcome.kind).toBe("recorded");
    expect(started.at(-1)).toBe("record");
    expect(new Set(started).size).toBe(started.length);
    expect(reasons.at(-1)).toBe("recorded");
    const before = started.length;
    expect((await reconcile(work, forever)).actions).toEqual([]);
    expect(started.length).toBe(before);
  });

  it("leaves nothing of a release that ended to whoever still has its signal", async () => {
    const { work, kept } = await endedRelease();
    expect(kept.aborted).toBe(true);
    const collect = collector();
    for (let turn = 0; turn < 10 && work.deref() !== undefined; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
    }
    expect(work.deref()).toBeUndefined();
    expect(kept.reason).toMatchObject({ name: "AbortError" });
  });

  it("goes on from wherever an earlier process ended", async () => {
    const whole = release();
    await reconcile(whole.work, forever);
    for (const last of whole.started) {
      const interrupted = release(async (action) => {
        if (actionKey(action) === last) throw new Error("power cut");
      });
      await expect(reconcile(interrupted.work, forever)).rejects.toThrow("power cut");
      const second = release();
      for (const key of interrupted.done) second.done.add(key);
      await reconcile(second.work, forever);
      expect([...second.done].toSorted()).toEqual([...whole.done].toSorted());
      expect(
        second.started.filter((key) => interrupted.done.has(key)),
        last,
      ).toEqual([]);
    }
  });

  it("starts no action twice while it is under way, and decides anew at each end", async () => {
    const gates = new Map<string, () => void>();
    const { work, started } = release(
      (action) => new Promise((resolve) => gates.set(actionKey(action), () => resolve())),
    );
    const running = reconcile(work, forever);
    const until = async (key: string) => {
      while (!gates.has(key)) await new Promise((resolve) => setImmediate(resolve));
    };
    await until("build amd64 run 2");
    gates.get("build amd64 run 1")?.();
    await until("boot amd64 kernel-initrd");
    expect(started.toSorted()).toEqual([
      "archive-inputs",
      "boot amd64 kernel-initrd",
      "build amd64 run 1",
      "build amd64 run 2",
    ]);
    for (;;) {
      for (const [key, open] of gates) {
        gates.delete(key);
        open();
      }
      const over = await Promise.race([running.then(() => true), new Promise((go) => setImmediate(() => go(false)))]);
      if (over === true) break;
    }
    expect(new Set(started).size).toBe(started.length);
  });

  it("ends everything else when an action fails, and throws what it threw", async () => {
    const { work, ended } = release(async (action, signal) => {
      if (action.kind === "build" && action.run === 2) throw new Error("dpkg failed");
      await never(signal);
    });
    await expect(reconcile(work, forever)).rejects.toThrow("dpkg failed");
    expect(ended.toSorted()).toEqual(["archive-inputs", "build amd64 run 1", "build amd64 run 2"]);
  });

  it("records that the runs turned out to differ, once, and ends the boots", async () => {
    const given = release(async (action, signal) => {
      if (action.kind === "boot") await never(signal);
      if (action.kind === "compare") given.done.add("differ");
    });
    const { outcome } = await reconcile(given.work, forever);
    expect(outcome).toMatchObject({ kind: "stopped", code: "NotReproducible" });
    expect(given.ended).toContain("boot amd64 kernel-initrd");
    expect(given.started.filter((key) => /^(stage|sign|publish|tag|record)/.test(key))).toEqual(["record"]);
    const before = given.started.length;
    expect((await reconcile(given.work, forever)).outcome).toEqual(outcome);
    expect(given.started.length).toBe(before);
  });

  it("does nothing over and over whose effect it cannot see", async () => {
    const { work, done, started } = release();
    const blind: ReleaseWork = {
      observe: work.observe,
      act: async (action, signal) => {
        await work.act(action, signal);
        if (action.kind === "stage") done.delete(actionKey(action));
      },
    };
    await expect(reconcile(blind, forever)).rejects.toMatchObject({ code: "Internal" });
    expect(started.filter((key) => key.startsWith("stage")).length).toBe(1);
  });

  it("decides on nothing that was observed before an action ended", async () => {
    const { work, started } = release(() => new Promise((resolve) => setTimeout(resolve, 5)));
    const slow: ReleaseWork = {
      act: work.act,
      observe: async (running) => {
        const observed = await work.observe(running);
        await new Promise((resolve) => setTimeout(resolve, 7));
        return observed;
      },
    };
    expect((await reconcile(slow, forever)).outcome.kind).toBe("recorded");
    expect(new Set(started).size).toBe(started.length);
  });

  it("ends all when its caller does", async () => {
    const stop = new AbortController();
    const { work, ended } = release(async (_, signal) => {
      setImmediate(() => stop.abort(new Error("SIGINT")));
      await never(signal);
    });
    await expect(reconcile(work, stop.signal)).rejects.toThrow("SIGINT");
    expect(ended.length).toBe(3);
  });
});

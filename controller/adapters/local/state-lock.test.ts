import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withStateLock } from "./state-lock.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "state-lock-"));
});
afterEach(() => rm(folder, { recursive: true }));
const never = new AbortController().signal;
const noWait = () => {
  throw new Error("waited");
};

describe("withStateLock", () => {
  it("lets one in at a time, tells the other who holds it, and leaves nothing", async () => {
    const order: string[] = [];
    const first = withStateLock(folder, never, noWait, async () => {
      order.push("first in");
      await sleep(200);
      order.push("first out");
    });
    await sleep(50);
    const waited: number[] = [];
    await withStateLock(
      folder,
      never,
      (pid) => waited.push(pid),
      async () => order.push("second in"),
    );
    await first;
    expect(order).toEqual(["first in", "first out", "second in"]);
    expect(waited).toEqual([process.pid]);
    expect(await readdir(folder)).toEqual([]);
  });
  it("takes over from a process that is gone, one whose ID is used again, and a torn file", async () => {
    for (const left of ['{"pid":4194303,"startTime":"1"}', `{"pid":${process.pid},"startTime":"1"}`, '{"pid":']) {
      await writeFile(join(folder, "run.lock"), left);
      expect(await withStateLock(folder, never, noWait, async () => "in"), left).toBe("in");
    }
  });
  it("is free again after work that failed", async () => {
    const failing = withStateLock(folder, never, noWait, () => Promise.reject(new Error("broken")));
    await expect(failing).rejects.toThrow("broken");
    expect(await withStateLock(folder, never, noWait, async () => "in")).toBe("in");
  });
  it("stops waiting when the signal fires", async () => {
    const stop = new AbortController();
    const holding = withStateLock(folder, never, noWait, () => sleep(300));
    await sleep(50);
    const waiting = withStateLock(
      folder,
      stop.signal,
      () => stop.abort(),
      async () => "in",
    );
    await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
    await holding;
  });
});

import { rmSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ProcessIdentity } from "../../../builders/host/process-identity.ts";
import { withStateLock } from "./state-lock.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "state-lock-"));
});
afterEach(() => rm(folder, { recursive: true }));
const never = new AbortController().signal;
const noWait = {
  onWait: () => {
    throw new Error("waited");
  },
  onTakeover: async () => {
    throw new Error("took over");
  },
};

/** Work that holds the lock until it is told to end. */
async function holding() {
  const [begun, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const first = withStateLock(folder, never, noWait, async () => {
    begun.resolve();
    await over.promise;
  });
  await begun.promise;
  return { first, end: over.resolve };
}

describe("withStateLock", () => {
  it("lets one in at a time, tells the other who holds it, and leaves nothing", async () => {
    const order: string[] = [];
    const [entered, told] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const first = withStateLock(folder, never, noWait, async () => {
      order.push("first in");
      entered.resolve();
      await told.promise;
      order.push("first out");
    });
    await entered.promise;
    const waited: number[] = [];
    const onWait = (pid: number) => {
      waited.push(pid);
      told.resolve();
    };
    await withStateLock(folder, never, { ...noWait, onWait }, async () => order.push("second in"));
    await first;
    expect(order).toEqual(["first in", "first out", "second in"]);
    expect(waited).toEqual([process.pid]);
    expect(await readdir(folder)).toEqual([]);
  });
  it("takes over from a process that is gone and one whose ID is used again, and clears away what each left", async () => {
    const dead = { pid: 4194303, startTime: "1" };
    for (const left of [dead, { ...dead, pid: process.pid }]) {
      await writeFile(join(folder, "run.lock"), JSON.stringify(left));
      await writeFile(join(folder, `run.lock.${dead.pid}`), "");
      const gone: ProcessIdentity[] = [];
      const onTakeover = async (holder: ProcessIdentity) => {
        gone.push(holder);
        expect(await readdir(folder)).toContain("run.lock"); // nobody else comes in meanwhile
      };
      expect(await withStateLock(folder, never, { ...noWait, onTakeover }, async () => "in")).toBe("in");
      expect(gone).toEqual([left]);
      if (left.pid !== dead.pid) await rm(join(folder, `run.lock.${dead.pid}`));
      expect(await readdir(folder)).toEqual([]);
    }
  });
  it("is not held by a torn file", async () => {
    await writeFile(join(folder, "run.lock"), '{"pid":');
    expect(await withStateLock(folder, never, noWait, async () => "in")).toBe("in");
  });
  it("is not taken over if what the dead process left cannot be cleared away", async () => {
    await writeFile(join(folder, "run.lock"), '{"pid":4194303,"startTime":"1"}');
    await expect(withStateLock(folder, never, noWait, async () => "in")).rejects.toThrow("took over");
    expect(await readdir(folder)).toEqual(["run.lock"]);
  });
  it("does not take what keeps it from locking for a lock", async () => {
    const { first, end } = await holding();
    const second = withStateLock(
      folder,
      never,
      { ...noWait, onWait: () => rmSync(join(folder, `run.lock.${process.pid}`)) },
      async () => "in",
    );
    await expect(second).rejects.toMatchObject({ code: "ENOENT" });
    end();
    await first;
    expect(await readdir(folder)).toEqual([]);
  });
  it("leaves nothing in a folder that cannot be written", async () => {
    await expect(withStateLock("/proc/self", never, noWait, async () => "in")).rejects.toMatchObject({
      code: expect.stringMatching(/^E/) as unknown,
    });
  });
  it("is free again after work that failed", async () => {
    const failing = withStateLock(folder, never, noWait, () => Promise.reject(new Error("broken")));
    await expect(failing).rejects.toThrow("broken");
    expect(await withStateLock(folder, never, noWait, async () => "in")).toBe("in");
  });
  it("stops waiting when the signal fires", async () => {
    const stop = new AbortController();
    const { first, end } = await holding();
    const waiting = withStateLock(folder, stop.signal, { ...noWait, onWait: () => stop.abort() }, async () => "in");
    await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
    end();
    await first;
  });
});

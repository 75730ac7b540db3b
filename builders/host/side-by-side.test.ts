import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { sideBySide } from "./side-by-side.ts";

const never = new AbortController().signal;

test("every item is worked on once, in order, and never more at a time than asked for", async () => {
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  await sideBySide([1, 2, 3, 4, 5, 6, 7], 3, never, async (item) => {
    begun.push(item);
    running += 1;
    most = Math.max(most, running);
    await sleep(item % 2 === 0 ? 5 : 15);
    running -= 1;
  });
  expect(begun).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(most).toBe(3);
});

test("the first failure stops the others and is thrown when they have ended", async () => {
  const begun: number[] = [];
  const ended: string[] = [];
  const running = sideBySide([1, 2, 3, 4], 2, never, async (item, signal) => {
    begun.push(item);
    if (item === 1) throw new Error("the first");
    await sleep(60_000, undefined, { signal }).catch(() => undefined);
    await sleep(20);
    ended.push("stopped");
    throw new Error("a later one");
  });
  await expect(running).rejects.toThrow("the first");
  expect(begun).toEqual([1, 2]);
  expect(ended).toEqual(["stopped"]);
});

test("a signal stops all, and its reason is thrown", async () => {
  const stop = new AbortController();
  const begun: number[] = [];
  const running = sideBySide([1, 2, 3], 1, stop.signal, async (item) => {
    begun.push(item);
    stop.abort(new Error("enough"));
  });
  await expect(running).rejects.toThrow("enough");
  expect(begun).toEqual([1]);
});

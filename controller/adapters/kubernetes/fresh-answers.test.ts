import { expect, it } from "vitest";
import { freshAnswers } from "./fresh-answers.ts";

const SIGNAL = new AbortController().signal;

function counted() {
  let now = 0;
  let count = 0;
  const answers = freshAnswers<string>({ monotonic: () => now }, 100);
  const ask = (key: string, fault?: Error, signal = SIGNAL) =>
    answers(key, signal, async () => {
      count += 1;
      const nth = count;
      await Promise.resolve();
      if (fault !== undefined) throw fault;
      return `${key} ${nth}`;
    });
  return { ask, at: (moment: number) => (now = moment) };
}

it("gives an answer to all who ask within its time, and asks anew after it", async () => {
  const { ask, at } = counted();
  expect(await Promise.all([ask("a"), ask("a"), ask("b")])).toEqual(["a 1", "a 1", "b 2"]);
  at(99);
  expect(await ask("a")).toBe("a 1");
  at(100);
  expect(await ask("a")).toBe("a 3");
});
it("keeps no failure", async () => {
  const { ask } = counted();
  const fault = new Error("not there");
  const both = [ask("a", fault), ask("a", fault)];
  for (const one of both) await expect(one).rejects.toBe(fault);
  expect(await ask("a")).toBe("a 2");
});
it("goes on for the others when one gives up", async () => {
  const { ask } = counted();
  const stop = new AbortController();
  const [first, second] = [ask("a", undefined, stop.signal), ask("a")];
  stop.abort(new Error("stopped"));
  await expect(first).rejects.toThrow("stopped");
  expect(await second).toBe("a 1");
  await expect(ask("a", undefined, stop.signal)).rejects.toThrow("stopped");
});

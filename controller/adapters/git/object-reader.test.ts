import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ReleaseError } from "../../domain/errors.ts";
import { objectReader } from "./object-reader.ts";

const ID = "ce013625030ba8dba906f756967f9e9ca394464a";

/** A git that answers when it is told to. */
function fakeCatFile() {
  const started: {
    said: string[];
    ended: boolean;
    awaited: boolean;
    answer: (text: string) => void;
    die: () => void;
  }[] = [];
  const read = objectReader(
    (onAnswer, onEnd) => {
      const one = {
        ...{ said: [] as string[], ended: false, awaited: false },
        answer: (text: string) => onAnswer(Buffer.from(text)),
        die: () => onEnd("killed"),
      };
      started.push(one);
      return {
        say: (text) => void one.said.push(text),
        end: () => void (one.ended = true),
        awaitAnswers: (wanted) => void (one.awaited = wanted),
      };
    },
    (reason) => new ReleaseError("RepositoryUnusable", `git: ${reason}`, "look at the test"),
  );
  return { started, read };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("asks one git for all that is read, and gives each its answers", async () => {
  const { started, read } = fakeCatFile();
  const [first, second] = [read(["a", "b"]), read(["c"])];
  expect(started).toHaveLength(1);
  expect(started[0]).toMatchObject({ said: ["a\n", "b\n", "c\n"], awaited: true });
  started[0]?.answer(`${ID} blob 1\nx\nb missing\n`);
  expect(await first).toEqual([{ id: ID, type: "blob", content: Uint8Array.of(0x78) }, null]);
  expect(started[0]?.awaited).toBe(true);
  started[0]?.answer("c missing\n");
  expect(await second).toEqual([null]);
  expect(started[0]).toMatchObject({ awaited: false, ended: false });
  expect(await read([])).toEqual([]);
});

it("lets git go when nobody asks any more, and starts another one for who comes later", async () => {
  const { started, read } = fakeCatFile();
  const ask = async () => {
    const asked = read(["a"]);
    started.at(-1)?.answer("a missing\n");
    await asked;
  };
  await ask();
  await vi.advanceTimersByTimeAsync(4000);
  await ask();
  await vi.advanceTimersByTimeAsync(4000);
  expect(started).toHaveLength(1);
  expect(started[0]?.ended).toBe(false);
  await vi.advanceTimersByTimeAsync(2000);
  expect(started[0]?.ended).toBe(true);
  await ask();
  expect(started).toHaveLength(2);
});

it("never lets go a git that somebody waits for, nor one without ending it", async () => {
  const { started, read } = fakeCatFile();
  const both = [read(["a"]), read(["b"])];
  started[0]?.answer("a missing\nb missing\n");
  await Promise.all(both);
  const later = read(["c"]);
  await vi.advanceTimersByTimeAsync(6000);
  expect(started[0]).toMatchObject({ ended: false, awaited: true });
  started[0]?.answer("c missing\n");
  await later;
  await vi.advanceTimersByTimeAsync(6000);
  expect(started).toHaveLength(1);
  expect(started[0]).toMatchObject({ ended: true, awaited: false });
});

it("fails whoever waits for a git that ends, and goes on with another one", async () => {
  const { started, read } = fakeCatFile();
  const asked = read(["a"]);
  started[0]?.die();
  await expect(asked).rejects.toMatchObject({ code: "RepositoryUnusable", message: "git: killed" });
  const again = read(["a"]);
  started[1]?.answer("a missing\n");
  expect(await again).toEqual([null]);
});

it("refuses names that would be two, and fails where git says something else", async () => {
  const { started, read } = fakeCatFile();
  await expect(read(["a\nb"])).rejects.toThrow(RangeError);
  const asked = read(["a"]);
  started[0]?.answer("error: what is that\n");
  await expect(asked).rejects.toMatchObject({ code: "RepositoryUnusable" });
});

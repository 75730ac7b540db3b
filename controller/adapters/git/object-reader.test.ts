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

it("asks another git where one dies, and fails only the one that it dies of", async () => {
  const { started, read } = fakeCatFile();
  const [innocent, bad, later] = [read(["a"]), read(["bad"]), read(["c"])];
  started[0]?.answer("a missing\n");
  started[0]?.die();
  expect(await innocent).toEqual([null]);
  expect(started[1]?.said).toEqual(["bad\n", "c\n"]);
  started[1]?.die();
  await expect(bad).rejects.toMatchObject({ code: "RepositoryUnusable", message: "git: killed" });
  expect(started[2]?.said).toEqual(["c\n"]);
  started[2]?.answer("c missing\n");
  expect(await later).toEqual([null]);
  expect(started).toHaveLength(3);
  await vi.advanceTimersByTimeAsync(6000);
  expect(started[2]).toMatchObject({ ended: true, awaited: false });
});

it("asks once more whom a git died for that somebody killed", async () => {
  const { started, read } = fakeCatFile();
  const asked = read(["a", "b"]);
  started[0]?.answer("a missing\n");
  started[0]?.die();
  started[1]?.answer("b missing\n");
  expect(await asked).toEqual([null, null]);
});

it("refuses names that would be two, and fails where git says something else", async () => {
  const { started, read } = fakeCatFile();
  await expect(read(["a\nb"])).rejects.toThrow(RangeError);
  const asked = read(["a"]);
  started[0]?.answer("error: what is that\n");
  await expect(asked).rejects.toMatchObject({ code: "RepositoryUnusable" });
});

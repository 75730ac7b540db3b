import { expect, it } from "vitest";
import type { Git } from "./git.ts";
import { tidier } from "./tidy.ts";

/** A git that counts so many packs, and what it was asked to do. */
function counting(packs: number) {
  const runs: string[] = [];
  const run: Git["run"] = async ([command = ""]) => {
    runs.push(command);
    return command === "count-objects" ? `count: 5\nin-pack: 400\npacks: ${packs}\nsize-pack: 9\n` : "";
  };
  return { tidy: tidier({ run } as Git), runs };
}

it("looks at the first commit and at every 32nd, and joins what are too many", async () => {
  const { tidy, runs } = counting(33);
  await tidy();
  expect(runs).toEqual(["count-objects", "repack"]);
  for (let commit = 1; commit < 32; commit += 1) await tidy();
  expect(runs).toHaveLength(2);
  await tidy();
  expect(runs).toHaveLength(4);
});

it("leaves a few alone", async () => {
  const { tidy, runs } = counting(32);
  await tidy();
  expect(runs).toEqual(["count-objects"]);
});

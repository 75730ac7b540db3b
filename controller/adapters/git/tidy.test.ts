import { expect, it } from "vitest";
import { ReleaseError } from "../../domain/errors.ts";
import type { Git } from "./git.ts";
import { tidier } from "./tidy.ts";

/** A git that counts so many packs, and what it was asked to do. */
function counting(packs: number, fault?: Error) {
  const runs: string[] = [];
  const faults: ReleaseError[] = [];
  const run: Git["run"] = async ([command = ""]) => {
    runs.push(command);
    if (command === "repack" && fault !== undefined) throw fault;
    return command === "count-objects" ? `count: 5\nin-pack: 400\npacks: ${packs}\nsize-pack: 9\n` : "";
  };
  return { tidy: tidier({ run } as Git, (one) => faults.push(one)), runs, faults };
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

it("tells what failed, and keeps nobody from going on", async () => {
  const fault = new ReleaseError("RepositoryUnusable", "could not find pack", "try again");
  const { tidy, faults } = counting(40, fault);
  await tidy();
  expect(faults).toEqual([fault]);
  await expect(counting(40, new TypeError("a bug")).tidy()).rejects.toThrow("a bug");
});

import { describe, expect, it } from "vitest";
import type { JobRunner } from "../../ports/job-runner.ts";
import { heldRunner } from "./held-runner.ts";

const never = new AbortController().signal;

function world(fail = 0) {
  const said: string[] = [];
  let left = fail;
  const note = (what: string) => async () => void said.push(what);
  const runner = { build: note("build"), boot: note("boot"), finished: note("finished") };
  const held = heldRunner({ runner: runner as unknown as JobRunner, archiveInputs: note("archive") }, async () => {
    said.push("hold");
    left -= 1;
    if (left >= 0) throw new Error("no answer");
  });
  return { said, held };
}
const anything = undefined as never;

describe("a runner that holds its release", () => {
  it("does so once, before whatever makes a Job first", async () => {
    const { said, held } = world();
    await held.archiveInputs(anything, anything, never);
    await held.runner.build(anything, never);
    await held.runner.boot(anything, never);
    expect(said).toEqual(["hold", "archive", "build", "boot"]);
  });
  it("does not for a look at what is there", async () => {
    const { said, held } = world();
    await held.runner.finished(anything, never);
    expect(said).toEqual(["finished"]);
  });
  it("makes no Job while that fails, and tries it again", async () => {
    const { said, held } = world(1);
    await expect(held.runner.boot(anything, never)).rejects.toThrow("no answer");
    await held.runner.boot(anything, never);
    expect(said).toEqual(["hold", "hold", "boot"]);
  });
});

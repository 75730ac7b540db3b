import { describe, expect, it } from "vitest";
import type { Outcome } from "../host/exec.ts";
import { earlyDepmod } from "./early-depmod.ts";

const KERNEL = "6.12.117+deb13-amd64";
const OUTCOME: Outcome = { exitCode: 0, stdout: "", tail: "", wallSeconds: 1, userSeconds: 1, systemSeconds: 0 };
const UNPACKED = `Unpacking linux-image-${KERNEL} (6.12.117-1) ...`;

/** Gives the lines to a follower; how often depmod had started after each. */
function starts(lines: readonly string[]) {
  let count = 0;
  const early = earlyDepmod(KERNEL, async () => {
    count += 1;
    return OUTCOME;
  });
  const after = lines.map((line) => {
    early.notice(line);
    return count;
  });
  return { after, early, count: () => count };
}

describe("depmod", () => {
  it("starts once, when dpkg has unpacked the kernel", async () => {
    const essential = ["Unpacking libc6:amd64 (2.41) ...", "Setting up libc6:amd64 (2.41) ..."];
    const rest = [
      UNPACKED,
      "Selecting previously unselected package x.",
      "Unpacking x (1) ...",
      "Setting up x (1) ...",
    ];
    const { after, early, count } = starts([...essential, ...rest]);
    expect(after).toEqual([0, 0, 0, 1, 1, 1]);
    expect(await early.done()).toBe(OUTCOME);
    expect(count()).toBe(1);
  });
  it("waits for the modules of its own kernel, in whichever package they come", () => {
    expect(starts(["Unpacking linux-image-6.1.0-1-amd64 (6.1) ...", "Setting up x (1) ..."]).after).toEqual([0, 0]);
    expect(starts([`Unpacking linux-modules-${KERNEL} (6.1) ...`, "Setting up x (1) ..."]).after).toEqual([0, 1]);
    expect(starts([UNPACKED, "a line of a script", UNPACKED]).after).toEqual([0, 0, 0]);
  });
  it("runs in the end if dpkg said nothing of its kernel", async () => {
    const { early, count } = starts(["Setting up libc6 (2.41) ..."]);
    expect(count()).toBe(0);
    await early.done();
    expect(count()).toBe(1);
  });
  it("runs again in the end if it was too early, and that failure counts", async () => {
    const outcomes = [Promise.reject(new Error("no depmod yet")), Promise.resolve(OUTCOME)];
    const early = earlyDepmod(KERNEL, () => outcomes.shift() ?? Promise.reject(new Error("no space")));
    early.notice(UNPACKED);
    early.notice("Setting up kmod (34) ...");
    expect(await early.done()).toBe(OUTCOME);
    await expect(early.done()).rejects.toThrow("no space");
  });
});

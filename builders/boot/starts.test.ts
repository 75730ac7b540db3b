import { describe, expect, it } from "vitest";
import { BuildError } from "../contract/build-failure.ts";
import type { ProgressEvent } from "../contract/progress.ts";
import type { MachineEnd } from "./run-machine.ts";
import { crashOf, explain, startUntilItEnds } from "./starts.ts";

const ABORTED: MachineEnd = {
  verdict: { state: "running" },
  exitCode: 134,
  said: "qemu-system-x86_64: ide_dma_cb: Assertion failed.",
  tail: ["[    2.1] ata1.00: 4194304 sectors", "qemu-system-x86_64: ide_dma_cb: Assertion failed."],
};
const CRASH = `QEMU died of signal 6 before the agent reported: ${ABORTED.said}`;
const PASSED: MachineEnd = {
  verdict: { state: "passed", agentLine: "powernode-agent (stand-in): state=multi-user" },
  ...{ exitCode: null, said: "", tail: ["login:"] },
};
const PANIC: MachineEnd = {
  ...PASSED,
  verdict: { state: "failed", reason: "Kernel panic - not syncing: VFS", agentLine: null },
};
const REQUEST = {
  identity: "11111111-2222-3333-4444-555555555555",
  rootDigest: "sha256:aa",
  timeoutSeconds: 300,
} as const;

/** A machine that ends as it is told, one start after the other. */
function machine(...ends: readonly MachineEnd[]) {
  const events: ProgressEvent[] = [];
  let starts = 0;
  const start = () => {
    const end = ends[starts++];
    return end === undefined ? Promise.reject(new Error("one start too many")) : Promise.resolve(end);
  };
  return { events, starts: () => starts, run: () => startUntilItEnds(start, (event) => void events.push(event)) };
}

describe("crashOf", () => {
  it("takes a signal for the emulator's own end, with its last words", () => {
    expect(crashOf(ABORTED)).toBe(CRASH);
    expect(crashOf({ ...ABORTED, exitCode: 139, said: "" })).toBe("QEMU died of signal 11 before the agent reported");
  });
  it.each([
    ["a guest that turned itself off", { ...ABORTED, exitCode: 0 }],
    ["a kernel that QEMU refuses", { ...ABORTED, exitCode: 1 }],
    ["time that was over", { ...ABORTED, exitCode: null }],
    ["a guest that had failed", { ...PANIC, exitCode: 134 }],
    ["a guest that had passed", { ...PASSED, exitCode: 134 }],
  ])("leaves %s to the verdict", (_, end: MachineEnd) => {
    expect(crashOf(end)).toBeNull();
  });
});

describe("startUntilItEnds", () => {
  it("starts a machine once that ends of itself", async () => {
    const one = machine(PASSED);
    expect(await one.run()).toEqual({ ...PASSED, crashes: [] });
    expect(one.starts()).toBe(1);
    expect(one.events).toEqual([]);
  });

  it("starts it again after each of two crashes, and tells them", async () => {
    const one = machine(ABORTED, ABORTED, PANIC);
    expect(await one.run()).toEqual({ ...PANIC, crashes: [CRASH, CRASH] });
    const told = { event: "action", step: "boot", text: CRASH };
    expect(one.events).toEqual([told, told]);
  });

  it("gives up at the third crash, with what was said last", async () => {
    const one = machine(ABORTED, ABORTED, ABORTED);
    const fault = await one.run().catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(BuildError);
    expect((fault as BuildError).failure).toMatchObject({
      ...{ code: "StepFailed", step: "boot", message: `${CRASH}; 3 starts ended so` },
      remedy: expect.stringContaining("not the image"),
      logTail: ABORTED.tail.join("\n"),
    });
    expect(one.starts()).toBe(3);
  });

  it("does not start again what could not be started", async () => {
    const one = machine();
    await expect(one.run()).rejects.toThrow("one start too many");
    expect(one.starts()).toBe(1);
  });
});

describe("explain", () => {
  it("says of a boot that passed what was seen, and what QEMU did before", () => {
    expect(explain({ ...PASSED, crashes: [] }, REQUEST)).toMatch(/^reached multi-user .* verified image$/);
    expect(explain({ ...PASSED, crashes: [CRASH] }, REQUEST)).toMatch(
      /verified image; in a start before, QEMU died of/,
    );
  });
  it("says why a guest failed, or that it was silent", () => {
    expect(explain({ ...PANIC, crashes: [] }, REQUEST)).toBe("Kernel panic - not syncing: VFS");
    const silent = explain({ ...ABORTED, exitCode: null, crashes: [] }, REQUEST);
    expect(silent).toBe(
      `the agent did not report identity ${REQUEST.identity} and digest ${REQUEST.rootDigest} within 300 s`,
    );
  });
  it("passes on what QEMU said when it refused", () => {
    const said = "qemu: could not load kernel";
    expect(explain({ ...ABORTED, exitCode: 1, said, crashes: [] }, REQUEST)).toBe(
      `QEMU ended with code 1 before the agent reported: ${said}`,
    );
  });
});

import { describe, expect, it } from "vitest";
import { advance, type Happening, type ReflectorState, START } from "./reflector-state.ts";

const WATCHING: ReflectorState = { ...START, next: { do: "watch", resourceVersion: "7" } };
const after = (state: ReflectorState, ...happenings: readonly Happening[]): ReflectorState =>
  happenings.reduce((now, happening) => advance(now, happening, 0.5), state);

describe("what a reflector does next", () => {
  it.each(["throttled", "server-error", "reset", "silence", "refused"] as const)(
    "goes on from where it was after %s, later each time",
    (cause) => {
      const once = after(WATCHING, { kind: "failed", cause });
      expect(once).toEqual({ ...WATCHING, wait: 800, failures: 1 });
      expect(after(once, { kind: "failed", cause }).wait).toBe(1600);
      expect(after(once, ...Array.from({ length: 20 }, () => ({ kind: "failed", cause }) as const)).wait).toBe(30_000);
    },
  );

  it("lists anew what has expired: at once the first time, then later each time", () => {
    const once = after(WATCHING, { kind: "failed", cause: "expired" });
    expect(once).toMatchObject({ next: { do: "list", from: undefined }, wait: 0 });
    const again = after(once, { kind: "page", resourceVersion: "9" }, { kind: "failed", cause: "expired" });
    expect(again).toMatchObject({ next: { do: "list" }, wait: 1600 });
  });

  it("begins to count anew once a watch told something", () => {
    const failing = after(WATCHING, { kind: "failed", cause: "reset" }, { kind: "failed", cause: "reset" });
    const heard = after(failing, { kind: "event", resourceVersion: "8" });
    expect(after(heard, { kind: "failed", cause: "reset" }).wait).toBe(800);
  });

  it("watches on at once after a watch that ended in order, but not if it told nothing", () => {
    const heard = after(WATCHING, { kind: "event", resourceVersion: "8" });
    const ended = after(heard, { kind: "ended" });
    expect(ended).toMatchObject({ next: { do: "watch", resourceVersion: "8" }, wait: 0 });
    expect(after(ended, { kind: "ended" }).wait).toBe(800);
  });

  it("waits as long as the server asks", () => {
    expect(after(WATCHING, { kind: "failed", cause: "throttled", retryAfter: 5000 }).wait).toBe(5000);
    expect(after(WATCHING, { kind: "failed", cause: "throttled", retryAfter: 5 }).wait).toBe(800);
  });

  it("asks for the same page again", () => {
    const listing = after(START, { kind: "page", resourceVersion: "7", continue: "more" });
    const failed = after(listing, { kind: "failed", cause: "server-error" });
    expect(failed.next).toEqual({ do: "list", from: "more" });
  });
});

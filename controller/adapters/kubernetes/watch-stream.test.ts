import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PODS } from "./resource.ts";
import { type WatchEvent, watchEvents } from "./watch-stream.ts";

const call = { verb: "watch", place: { resource: PODS } } as const;
const pod = (name: string, resourceVersion: string) => ({ metadata: { name, uid: name, resourceVersion } });

async function* inPieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const size of [...sizes, bytes.length]) {
    if (from < bytes.length) yield bytes.subarray(from, from + size);
    from += size;
  }
}

async function read(text: string, sizes: readonly number[] = []): Promise<WatchEvent[]> {
  return Array.fromAsync(watchEvents(call, inPieces(Buffer.from(text), sizes)));
}

const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;

describe("a watch's stream", () => {
  it("tells what was changed and deleted, and bookmarks", async () => {
    const bookmark = { metadata: { resourceVersion: "9", creationTimestamp: null } };
    const text = line("ADDED", pod("a", "7")) + line("DELETED", pod("a", "8")) + line("BOOKMARK", bookmark);
    expect(await read(text)).toEqual([
      { kind: "changed", object: pod("a", "7") },
      { kind: "deleted", object: pod("a", "8") },
      { kind: "bookmark", resourceVersion: "9" },
    ]);
  });

  it("is the same however it is cut, within characters too", async () => {
    const events = [pod("ü-€-𝄞", "1"), pod("b", "2")];
    const text = events.map((object) => line("MODIFIED", object)).join("");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40 })), async (sizes) => {
        expect(await read(text, sizes)).toEqual(events.map((object) => ({ kind: "changed", object })));
      }),
    );
  });

  it("throws what an ERROR event says", async () => {
    const gone = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
    await expect(read(line("ERROR", gone))).rejects.toMatchObject({ code: "VersionExpired" });
    await expect(read(line("ERROR", {}))).rejects.toMatchObject({ code: "ClusterUnavailable" });
  });

  it.each([
    ['{"type":"ADDED"', /middle of an event/],
    ["<html>\n", /cannot be understood/],
    [line("ADDED", { metadata: { name: "a" } }), /cannot be understood/],
    [line("BOOKMARK", { metadata: { resourceVersion: "" } }), /cannot be understood/],
    ["x".repeat(8 * 1024 * 1024 + 1), /longer than/],
  ])("is broken by what is no event", async (text, why) => {
    await expect(read(text)).rejects.toThrow(why);
  });
});

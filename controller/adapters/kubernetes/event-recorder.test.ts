import { describe, expect, it } from "vitest";
import { recordedLogger } from "../../../test/fakes/recorded-logger.ts";
import { createVirtualTime } from "../../../test/fakes/virtual-time.ts";
import type { ApiClient } from "./api-client.ts";
import type { ApiObject, DraftObject } from "./api-object.ts";
import { createEventRecorder } from "./event-recorder.ts";

const ABOUT = { apiVersion: "v1", kind: "Pod", namespace: "n", name: "x", uid: "u" };
const EVENT = { type: "Warning", reason: "BuildFailed", action: "Built", note: "run 1" } as const;
const OBJECT: ApiObject = { metadata: { name: "x", uid: "u", resourceVersion: "1" } };

function setUp(fail: () => Error | undefined = () => undefined) {
  const time = createVirtualTime();
  const { log, records } = recordedLogger();
  const sent: unknown[] = [];
  let held = Promise.resolve();
  const answer = async (what: unknown): Promise<ApiObject> => {
    sent.push(what);
    await held;
    const fault = fail();
    if (fault !== undefined) throw fault;
    return OBJECT;
  };
  const client: Pick<ApiClient, "create" | "patch"> = {
    create: (_resource, object) => answer(object),
    patch: (ref, patch) => answer({ name: ref.name, patch }),
  };
  const recorder = createEventRecorder({ client, clock: time.clock(), log, instance: "pod-1" });
  /** answers come once the result is called */
  const hold = (): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    held = promise;
    return resolve;
  };
  return { recorder, sent, records, hold };
}

describe("the event recorder", () => {
  it("writes an event with all that the API wants, and counts it when it happens again", async () => {
    const { recorder, sent } = setUp();
    recorder.record(ABOUT, EVENT);
    recorder.record(ABOUT, EVENT);
    await recorder.settled();
    const { metadata, ...fields } = sent[0] as DraftObject;
    expect(metadata).toMatchObject({ namespace: "n", name: expect.stringMatching(/^x\.[0-9a-f-]{36}$/) as string });
    expect(fields).toEqual({
      ...{ ...EVENT, regarding: ABOUT, eventTime: "2026-11-23T04:00:00.000000Z" },
      ...{ reportingController: "imgrel", reportingInstance: "pod-1" },
    });
    const series = { count: 2, lastObservedTime: "2026-11-23T04:00:00.000000Z" };
    expect(sent[1]).toEqual({ name: metadata.name, patch: { series } });
  });

  it("makes another object when the first could not be written, and never throws", async () => {
    let down = true;
    const { recorder, sent, records } = setUp(() => (down ? new Error("503") : undefined));
    recorder.record(ABOUT, EVENT);
    await recorder.settled();
    down = false;
    recorder.record(ABOUT, EVENT);
    await recorder.settled();
    expect(sent.map((what) => Object.hasOwn(what as object, "patch"))).toEqual([false, false]);
    expect(records.map(({ level, reason }) => [level, reason])).toEqual([["warn", "BuildFailed"]]);
  });

  it("cuts a note that the API would refuse", async () => {
    const { recorder, sent } = setUp();
    recorder.record(ABOUT, { ...EVENT, note: "x".repeat(5000) });
    await recorder.settled();
    expect((sent[0] as { note: string }).note).toHaveLength(1024);
  });

  it("drops what is more than it can hold, and says so", async () => {
    const { recorder, sent, records } = setUp();
    const flood = () => {
      for (let nth = 0; nth < 1030; nth += 1) recorder.record(ABOUT, { ...EVENT, note: String(nth) });
    };
    flood();
    await recorder.settled();
    expect(sent).toHaveLength(1000);
    expect(records).toHaveLength(1);
    recorder.record(ABOUT, EVENT);
    await recorder.settled();
    expect(sent).toHaveLength(1001);
    flood();
    expect(records).toHaveLength(2);
  });

  it("sends events about one object in their order, and those about others meanwhile", async () => {
    const { recorder, sent, hold } = setUp();
    const release = hold();
    recorder.record(ABOUT, { ...EVENT, note: "first" });
    recorder.record(ABOUT, { ...EVENT, note: "second" });
    recorder.record({ ...ABOUT, uid: "v" }, { ...EVENT, note: "other" });
    await new Promise((resolve) => setImmediate(resolve));
    const notes = () => sent.map((what) => (what as { note: string }).note);
    expect(notes()).toEqual(["first", "other"]);
    release();
    await recorder.settled();
    expect(notes()).toEqual(["first", "other", "second"]);
  });
});

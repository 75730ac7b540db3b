import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  clearCondition,
  Condition,
  CONDITION_TYPES,
  type ConditionType,
  type ConditionUpdate,
  setCondition,
  statusOf,
  STEPS,
  SUMMARIES,
} from "./conditions.ts";
import { timestamp } from "./timestamp.ts";

const at = (second: number): Date => new Date(Date.UTC(2026, 10, 23, 3, 0, second));
const update = (type: ConditionType, reason: string, message = "m"): ConditionUpdate =>
  ({ type, reason, message, observedGeneration: 1 }) as ConditionUpdate;

const TABLE = Object.entries({ ...SUMMARIES, ...STEPS }).flatMap(([type, { reasons }]) =>
  Object.entries(reasons).map(([reason, { status, says }]) => ({ type: type as ConditionType, reason, status, says })),
);
const STEP_FAILURES = TABLE.filter(({ type, status }) => type in STEPS && status === "False").map(
  ({ reason }) => reason,
);

describe("the table of conditions", () => {
  it("has the types of the API in their order, with a sentence for each type and reason", () => {
    expect(CONDITION_TYPES).toEqual([
      ...["Ready", "Reconciling", "Stalled"],
      ...["Admitted", "Locked", "Built", "Reproducible", "Verified", "Signed", "Published", "Notified", "Recorded"],
    ]);
    const sentences = [...Object.values(STEPS), ...Object.values(SUMMARIES)].map(({ says }) => says);
    for (const says of [...sentences, ...TABLE.map((row) => row.says)]) expect(says).toMatch(/^[A-Z][^\n]{10,90}\.$/);
  });

  it("has a True reason for each step, and reasons that are CamelCase", () => {
    for (const [type, { reasons }] of Object.entries(STEPS)) {
      expect(
        Object.values(reasons).map(({ status }) => status),
        type,
      ).toContain("True");
    }
    for (const { reason } of TABLE) expect(reason).toMatch(/^([A-Z]+[a-z]+)+$/);
  });

  it("lets Ready and Stalled have the reason of a step that failed, and nothing else", () => {
    for (const reason of STEP_FAILURES) {
      expect(statusOf("Ready", reason)).toBe("False");
      expect(statusOf("Stalled", reason)).toBe("True");
      expect(statusOf("Reconciling", reason)).toBeUndefined();
    }
    expect(statusOf("Stalled", "Passed")).toBeUndefined();
    expect(statusOf("Built", "Passed")).toBeUndefined();
    expect(statusOf("Built", "toString")).toBeUndefined();
  });
});

describe("setCondition", () => {
  it("keeps the transition time as long as the status is the same", () => {
    const queued = setCondition([], update("Built", "Queued"), at(1));
    const running = setCondition(queued, update("Built", "Running", "run 1"), at(2));
    const failed = setCondition(running, update("Built", "BuildFailed"), at(3));
    expect(running).toEqual([
      {
        ...{ type: "Built", status: "Unknown", reason: "Running", message: "run 1" },
        ...{ lastTransitionTime: "2026-11-23T03:00:01Z", observedGeneration: 1 },
      },
    ]);
    expect(failed[0]).toMatchObject({ status: "False", lastTransitionTime: "2026-11-23T03:00:03Z" });
  });

  it("refuses a reason that the type does not have", () => {
    expect(() => setCondition([], update("Built", "Passed"), at(1))).toThrow(/Built has no reason Passed/);
  });

  it("whatever is set in whatever order: types once and in order, no True step changes, times only with the status", () => {
    const updates = fc.array(
      fc.record({ row: fc.constantFrom(...TABLE), message: fc.constantFrom("a", "b"), later: fc.nat(50) }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(updates, (steps) => {
        let conditions: Condition[] = [];
        let second = 0;
        for (const { row, message, later } of steps) {
          second += later;
          const before = conditions;
          conditions = setCondition(before, update(row.type, row.reason, message), at(second));
          const places = conditions.map(({ type }) => CONDITION_TYPES.indexOf(type));
          expect(places).toEqual([...new Set(places)].toSorted((a, b) => a - b));
          for (const old of before) {
            const now = conditions.find(({ type }) => type === old.type);
            if (old.type in STEPS && old.status === "True") expect(now).toEqual(old);
            const since = now?.status === old.status ? old.lastTransitionTime : timestamp(at(second));
            expect(now?.lastTransitionTime).toBe(since);
          }
          expect(setCondition(conditions, update(row.type, row.reason, message), at(second + 9))).toEqual(conditions);
          for (const condition of conditions) expect(Condition.parse(condition)).toEqual(condition);
        }
      }),
    );
  });

  it("is taken back only for what is present while it holds", () => {
    const conditions = setCondition([], update("Stalled", "PushDeclined"), at(1));
    expect(clearCondition(conditions, "Stalled")).toEqual([]);
    expect(clearCondition(conditions, "Reconciling")).toEqual(conditions);
  });
});

describe("a stored condition", () => {
  const [stored] = setCondition([], update("Signed", "Verified"), at(1));
  it.each([
    [{ reason: "Passed" }, /Passed is not a reason of Signed/],
    [{ status: "False" }, /Verified means True, not False/],
    [{ type: "Signd" }, /type/],
    [{ lastTransitionTime: "2026-11-23" }, /must be YYYY/],
    [{ lastTransitionTime: "2026-13-23T00:00:00Z" }, /must be a moment of the calendar/],
    [{ extra: 1 }, /extra/],
  ])("is refused with %j", (change, message) => {
    expect(() => Condition.parse({ ...stored, ...change })).toThrow(message);
  });
});

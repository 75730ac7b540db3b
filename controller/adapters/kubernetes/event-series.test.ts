import { expect, it } from "vitest";
import { createEventSeries } from "./event-series.ts";

function setUp() {
  let nth = 0;
  return createEventSeries(() => `event-${(nth += 1)}`);
}

it("counts what happens again, and makes a new event of what is new", () => {
  const series = setUp();
  expect(series.happened("a", 0)).toEqual({ kind: "create", name: "event-1" });
  expect(series.happened("b", 0)).toEqual({ kind: "create", name: "event-2" });
  expect(series.happened("a", 1000)).toMatchObject({ kind: "count", name: "event-1", count: 2 });
  expect(series.happened("a", 2000)).toMatchObject({ kind: "count", name: "event-1", count: 3 });
});

it("begins anew after a long pause, counted from the last time", () => {
  const series = setUp();
  series.happened("a", 0);
  expect(series.happened("a", 599_999)).toMatchObject({ kind: "count" });
  expect(series.happened("a", 1_199_998)).toMatchObject({ kind: "count" });
  expect(series.happened("a", 1_799_998)).toEqual({ kind: "create", name: "event-2" });
});

it("makes another event when one could not be written", () => {
  const series = setUp();
  series.happened("a", 0);
  series.forget("a");
  expect(series.happened("a", 1)).toMatchObject({ kind: "create" });
});

it("remembers a bounded number, those that happened last", () => {
  const series = setUp();
  for (let nth = 0; nth <= 1000; nth += 1) series.happened(String(nth), nth);
  expect(series.happened("1000", 2000)).toMatchObject({ kind: "count" });
  expect(series.happened("0", 2000)).toMatchObject({ kind: "create" });
});

import { expect, it } from "vitest";
import { liveness, readiness } from "./health.ts";

it("a process lives whether it leads or stands by, until it lost its lease", () => {
  expect(liveness("standing by").failing).toEqual([]);
  expect(liveness("leading").failing).toEqual([]);
  expect(liveness("lost").failing).toEqual(["the lease was lost"]);
});

it("a process is ready once all its caches were filled", () => {
  const caches = new Map([
    ["releases", true],
    ["classes", false],
  ]);
  expect(readiness(caches).failing).toEqual(["classes were not read yet"]);
  expect(readiness(caches.set("classes", true)).failing).toEqual([]);
});

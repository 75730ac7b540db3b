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
  expect(readiness(caches, 0).failing).toEqual(["classes were not read yet"]);
  expect(readiness(caches.set("classes", true), 0).failing).toEqual([]);
});

it("a process that has not reached the API server for 10 seconds, or ever, is not ready", () => {
  const caches = new Map([["releases", true]]);
  expect(readiness(caches, 9999).failing).toEqual([]);
  for (const silence of [10_000, Number.POSITIVE_INFINITY]) {
    expect(readiness(caches, silence).failing).toEqual(["the API server does not answer"]);
  }
});

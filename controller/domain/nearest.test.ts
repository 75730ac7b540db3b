import fc from "fast-check";
import { expect, test } from "vitest";
import { editDistance, nearest } from "./nearest.ts";

test.each([
  ["classname", ["className", "version"], "className"],
  ["snapshots", ["snapshot", "suite"], "snapshot"],
  ["target", ["targets", "inputs"], "targets"],
  ["rpi4", ["raw", "disk-image-rpi4", "disk-image-arm64-uefi"], "disk-image-rpi4"],
  ["x86_64", ["amd64", "arm64"], "amd64"],
  ["AARCH64", ["amd64", "arm64"], "arm64"],
  ["x86_64", ["raw", "iso"], undefined],
  ["flavor", ["version", "suspend", "inputs"], undefined],
  ["", ["a", "b"], undefined],
  ["x".repeat(65), ["x".repeat(66)], undefined],
])("nearest to %j in %j: %j", (word, known, meant) => {
  expect(nearest(word, known)).toBe(meant);
});

const word = fc.string({ maxLength: 8 });

test("the edit distance is a metric", () => {
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
      expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
    }),
  );
});

test("one edit is a distance of one", () => {
  expect(editDistance("kitten", "sitting")).toBe(3);
  expect(editDistance("arch", "arches")).toBe(2);
});

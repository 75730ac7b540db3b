import { expect, it } from "vitest";
import { durationMs } from "./duration.ts";

it.each([
  ["1s", 1000],
  ["90m", 5_400_000],
  ["24h", 86_400_000],
  ["7d", 604_800_000],
])("%s", (text, milliseconds) => expect(durationMs(text)).toBe(milliseconds));
it.each(["", "0m", "5", "1w", "1h30m", "-1s"])("%s is none", (text) =>
  expect(() => durationMs(text)).toThrow(RangeError),
);

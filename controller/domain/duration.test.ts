import { expect, it } from "vitest";
import { secondsOf } from "./duration.ts";

it.each([
  ["1s", 1],
  ["90m", 5400],
  ["24h", 86_400],
  ["7d", 604_800],
])("%s", (text, seconds) => expect(secondsOf(text)).toBe(seconds));
it.each(["", "0m", "5", "1w", "1h30m", "1.5h", "-1s"])("%s is none", (text) =>
  expect(() => secondsOf(text)).toThrow(RangeError),
);

import fc from "fast-check";
import { expect, it } from "vitest";
import { isMoment, Timestamp, timestamp } from "./timestamp.ts";

it("cuts a moment to whole seconds, and reads it back", () => {
  expect(timestamp(new Date("2026-11-23T03:00:00.999Z"))).toBe("2026-11-23T03:00:00Z");
  const moment = fc.date({ min: new Date(0), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true });
  fc.assert(
    fc.property(moment, (date) => {
      expect(Timestamp.parse(timestamp(date))).toBe(timestamp(date));
      expect(date.getTime() - new Date(timestamp(date)).getTime()).toBeLessThan(1000);
    }),
  );
});

it.each(["2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z"])(
  "%s is no moment",
  (text) => {
    expect(isMoment(text)).toBe(false);
    expect(() => Timestamp.parse(text)).toThrow(/moment of the calendar/);
  },
);

it.each(["2026-01-01", "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00.0Z", "x"])("%s has another form", (text) => {
  expect(() => Timestamp.parse(text)).toThrow(/must be YYYY/);
});

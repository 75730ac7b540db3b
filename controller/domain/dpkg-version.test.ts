import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dpkgVersion as version } from "../../test/fakes/dpkg-version.ts";
import { compareDpkgVersions } from "./dpkg-version.ts";

describe("order of dpkg versions", () => {
  it.each([
    ["1.0~rc1", "1.0"],
    ["1.0~~", "1.0~"],
    ["1.0", "1.0a"],
    ["1.0a", "1.0+b1"],
    ["1.0", "1.0-1"],
    ["1.0-1", "1.0-1+deb13u1"],
    ["1.9", "1.10"],
    ["9.0", "1:0.1"],
    ["1.0-9", "1.0-10"],
    ["1.0-1-2", "1.0-2-1"],
    ["6.12.107-1", "6.12.117-1"],
    ["6.12.99+deb13", "6.12.117+deb13"],
    ["2.36-9+deb12u9", "2.36-9+deb12u13"],
    ["99999999999999999998", "99999999999999999999"],
  ])("%s is older than %s", (older, newer) => {
    expect(compareDpkgVersions(older, newer)).toBeLessThan(0);
    expect(compareDpkgVersions(newer, older)).toBeGreaterThan(0);
  });

  it.each([
    ["1.0", "0:1.0"],
    ["1.0", "1.0-0"],
    ["1.01", "1.1"],
    ["1.0", "1."],
  ])("%s equals %s", (a, b) => {
    expect(compareDpkgVersions(a, b)).toBe(0);
  });

  it("is a total order", () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        const sign = (x: string, y: string) => Math.sign(compareDpkgVersions(x, y));
        expect(sign(a, a)).toBe(0);
        expect(sign(a, b) + sign(b, a)).toBe(0);
        if (sign(a, b) <= 0 && sign(b, c) <= 0) expect(sign(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

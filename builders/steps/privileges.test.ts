import { describe, expect, it } from "vitest";
import { privilegeFaults } from "./privileges.ts";

const status = (effective: string, bounding = effective, noNewPrivs = 1): string =>
  `Name:\tnode\nCapEff:\t${effective}\nCapBnd:\t${bounding}\nNoNewPrivs:\t${noNewPrivs}\n`;
const EIGHT = "00000000080400db";
const NO_ROUTES = "Iface\tDestination\tGateway\n";
const LOOPBACK6 = `${"0".repeat(31)}1 80 ${"0".repeat(32)} 00 ${"0".repeat(32)} 00000000 00000001 00000000 80200001       lo\n`;

describe("privilegeFaults", () => {
  it("accepts exactly the eight capabilities, no_new_privs and no way out", () => {
    expect(privilegeFaults(status(EIGHT), NO_ROUTES, LOOPBACK6)).toEqual([]);
    expect(privilegeFaults(status(EIGHT), `${NO_ROUTES}eth0\t0000F50A\t00000000\n`, "")).toEqual([]);
  });
  it("names a missing FSETID, without which bytes differ silently", () => {
    expect(privilegeFaults(status("00000000080400cb"), NO_ROUTES, "")).toEqual(["capabilities are missing: FSETID"]);
  });
  it("names what is too many, in the effective or only in the bounding set", () => {
    expect(privilegeFaults(status("00000000082400db"), NO_ROUTES, "")).toEqual([
      "capabilities are too many: capability 21",
    ]);
    expect(privilegeFaults(status(EIGHT, "00000000082400db"), NO_ROUTES, "")).toEqual([
      "capabilities are too many: capability 21",
    ]);
  });
  it("asks for no_new_privs", () => {
    expect(privilegeFaults(status(EIGHT, EIGHT, 0), NO_ROUTES, "")).toEqual(["no_new_privs is not set"]);
  });
  it("refuses a default route, IPv4 or IPv6", () => {
    const ipv4 = `${NO_ROUTES}eth0\t00000000\t0100000A\t0003\n`;
    const ipv6 = `${"0".repeat(32)} 00 ${"0".repeat(32)} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0\n`;
    expect(privilegeFaults(status(EIGHT), ipv4, "")).toEqual(["there is a route to other networks"]);
    expect(privilegeFaults(status(EIGHT), NO_ROUTES, ipv6)).toEqual(["there is a route to other networks"]);
  });
});

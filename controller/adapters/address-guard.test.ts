import type { LookupAddress } from "node:dns";
import { describe, expect, it } from "vitest";
import { ADDRESS_REFUSED, isPublicAddress, publicLookup, refusePrivateHost } from "./address-guard.ts";

describe("a public address", () => {
  it.each([
    ...["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.0.1.1", "223.255.255.255"],
    ...["2606:4700::1111", "2a00::1", "::ffff:8.8.8.8", "64:ff9b::808:808"],
  ])("is %s", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
  it.each([
    ...["0.0.0.0", "10.0.0.1", "10.255.255.255", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254"],
    ...["172.16.0.1", "172.31.255.255", "192.168.1.1", "198.19.0.1", "224.0.0.1", "255.255.255.255"],
    ...["::", "::1", "::ffff:10.0.0.1", "::ffff:7f00:1", "64:ff9b::a00:1", "64:ff9b:1::808:808", "fc00::1", "fd12::1"],
    ...[
      "fe80::1",
      "fe80::1%eth0",
      "fec0::1",
      "ff02::1",
      "2001:db8::1",
      "2002:a00:1::",
      "2001::1",
      "",
      "localhost",
      "1.2.3",
    ],
  ])("is not %j", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe("a URL whose host is an address", () => {
  it.each(["http://127.0.0.1:1/", "http://2130706433/", "http://0x7f.1/", "https://[::1]/", "https://[::ffff:a00:1]/"])(
    "is refused: %s",
    (url) => {
      expect(() => refusePrivateHost(new URL(url))).toThrow(expect.objectContaining({ code: ADDRESS_REFUSED }));
    },
  );
  it.each(["https://8.8.8.8/", "https://[2606:4700::1111]/", "https://registry.example/"])("may be %s", (url) => {
    expect(() => refusePrivateHost(new URL(url))).not.toThrow();
  });
});

describe("looking up a name", () => {
  const look = (host: string, all: boolean) =>
    new Promise<string | LookupAddress[]>((resolve, reject) => {
      publicLookup(host, { all }, (error, found) => (error === null ? resolve(found) : reject(error)));
    });
  it.each([true, false])("refuses one that is not public (all: %s)", async (all) => {
    await expect(look("localhost", all)).rejects.toMatchObject({ code: ADDRESS_REFUSED });
  });
  it("gives public ones as they are asked for", async () => {
    expect(await look("8.8.8.8", false)).toBe("8.8.8.8");
    expect(await look("8.8.8.8", true)).toEqual([{ address: "8.8.8.8", family: 4 }]);
  });
  it("says when there is none", async () => {
    await expect(look("name.invalid.", true)).rejects.toMatchObject({ code: expect.stringMatching(/^E/) });
  });
});

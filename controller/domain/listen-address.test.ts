import fc from "fast-check";
import { expect, it } from "vitest";
import { parseListenAddress } from "./listen-address.ts";

it.each([
  [":8080", { port: 8080 }],
  ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
  ["localhost:65535", { host: "localhost", port: 65_535 }],
  ["[::1]:80", { host: "::1", port: 80 }],
])("%s is host and port", (address, parts) => {
  expect(parseListenAddress(address)).toEqual(parts);
});

it.each(["8080", "localhost", "127.0.0.1:70000", "a:b:1", "::1:80", "[x]:1", "a/b:1", " :1", ":", ""])(
  "%j is refused, with what to write instead",
  (address) => {
    expect(() => parseListenAddress(address)).toThrow(expect.objectContaining({ code: "Usage" }));
  },
);

it("keeps every host and port", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.domain()), fc.nat(65_535), (host, port) => {
      expect(parseListenAddress(`${host}:${port}`)).toEqual({ host, port });
    }),
  );
});

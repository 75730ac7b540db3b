import { expect, test } from "vitest";
import { crc32c } from "./crc32c.ts";

test("the check value of CRC-32C (RFC 3720, appendix B.4), without the last inversion", () => {
  expect((~crc32c(Buffer.from("123456789")) >>> 0).toString(16)).toBe("e3069283");
  expect((~crc32c(Buffer.alloc(32)) >>> 0).toString(16)).toBe("8a9136aa");
});

test("is the same in pieces", () => {
  const bytes = Buffer.from("some bytes to be summed");
  expect(crc32c(bytes.subarray(7), crc32c(bytes.subarray(0, 7)))).toBe(crc32c(bytes));
});

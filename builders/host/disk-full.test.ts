import { expect, test } from "vitest";
import { exec } from "./exec.ts";
import { diskFull, freeBytes, isDiskFull, saysDiskFull } from "./disk-full.ts";
import { writeFileAtomic } from "./files.ts";

test("a tool that could not write says so in words that are known", async () => {
  const { tail, exitCode } = await exec({ program: "sh", args: ["-c", "dd if=/dev/zero of=/dev/full count=1"] });
  expect(exitCode).not.toBe(0);
  expect(saysDiskFull(tail)).toBe(true);
  expect(saysDiskFull("dpkg: error processing archive (--unpack): Input/output error")).toBe(false);
});

test.each([
  ["ENOSPC", true],
  ["EDQUOT", true],
  ["EROFS", false],
])("%s: %s", (code, full) => {
  expect(isDiskFull(Object.assign(new Error("write"), { code }))).toBe(full);
  expect(isDiskFull(code)).toBe(false);
});

test("of several folders the fullest is named", async () => {
  expect(await freeBytes("/proc")).toBe(0);
  const { failure } = await diskFull("root", ["/dev", "/proc", "/tmp"], "the end");
  expect(failure).toMatchObject({
    code: "DiskFull",
    step: "root",
    message: "no space is left in /proc",
    logTail: "the end",
  });
});

test("a fault of an open file names the file", async () => {
  // the folder of the temporary file takes names but no content
  await expect(writeFileAtomic("/proc/self/none", "x")).rejects.toMatchObject({ path: expect.any(String) as unknown });
});

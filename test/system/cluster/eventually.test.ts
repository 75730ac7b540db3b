import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";

test("what comes to pass is given back, however late within the time", async () => {
  let asked = 0;
  const find = async () => (asked++ < 2 ? undefined : "it");
  expect(await eventually("it comes", { seconds: 5 }, find)).toBe("it");
  expect(asked).toBe(3);
});

test("what does not is an error that shows the last lines of the log", async () => {
  const folder = await mkdtemp(join(tmpdir(), "imgrel-eventually-"));
  try {
    const log = join(folder, "part.log");
    await writeFile(log, Array.from({ length: 20 }, (_, index) => `line ${index}\n`).join(""));
    const failed = eventually("it comes", { seconds: 0, log }, async () => false);
    await expect(failed).rejects.toMatchObject({ code: "BuildFailed" });
    await expect(failed).rejects.toThrow(/not within 0 s: it comes; .*part\.log:\n {2}line 12\n[^]* {2}line 19$/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("nobody waits on once the signal fires", async () => {
  const signal = AbortSignal.timeout(50);
  await expect(eventually("it comes", { seconds: 60, signal }, async () => false)).rejects.toThrow(/abort/i);
});

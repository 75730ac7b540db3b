import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger } from "./logger.ts";

let cwd = "";
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "imgrel-log-"));
});
afterAll(() => rm(cwd, { recursive: true }));

const records = async (file: string): Promise<Record<string, unknown>[]> =>
  (await readFile(join(cwd, file), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("a record has its level, time, message and fields, without secrets, and is written at once", async () => {
  const log = await createLogger({ file: "a.log", cwd, debug: false });
  log.debug("not asked for");
  log.info("package fetched", { name: "libc6", token: "hunter2" });
  log.child({ release: "demo", password: "hunter2" }).warn("slow archive", { seconds: 3 });
  log.error("nothing else");
  const time: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(await records("a.log")).toEqual([
    { level: "info", time, msg: "package fetched", name: "libc6", token: "[redacted]" },
    { level: "warn", time, msg: "slow archive", release: "demo", password: "[redacted]", seconds: 3 },
    { level: "error", time, msg: "nothing else" },
  ]);
});

test("debug records come when asked for; a log is appended to, and is its owner's alone", async () => {
  for (const text of ["first", "second"]) {
    const log = await createLogger({ file: join(cwd, "b.log"), cwd: "/", debug: true });
    log.debug(text);
  }
  expect((await records("b.log")).map((record) => record["msg"])).toEqual(["first", "second"]);
  expect((await stat(join(cwd, "b.log"))).mode & 0o777).toBe(0o600);
});

test("a file that cannot be opened is wrong usage", async () => {
  await expect(createLogger({ file: "absent/c.log", cwd, debug: false })).rejects.toMatchObject({
    code: "Usage",
    exitCode: 2,
    message: expect.stringContaining("absent/c.log") as unknown,
  });
});

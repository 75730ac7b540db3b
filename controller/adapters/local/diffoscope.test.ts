import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DIFFOSCOPE_LIMITS, type DiffoscopeLimits, runDiffoscope } from "./diffoscope.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-diffoscope-"));
  await writeFile(join(folder, "left"), "l");
  await writeFile(join(folder, "right"), "r");
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs a shell script in diffoscope's place: $2 is the file for its text. */
async function run(script: string, limits: Partial<DiffoscopeLimits> = {}, signal = new AbortController().signal) {
  const program = join(folder, "program");
  await writeFile(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const job = { left: join(folder, "left"), right: join(folder, "right"), output: join(folder, "report/text") };
  return runDiffoscope(job, signal, { ...DIFFOSCOPE_LIMITS, ...limits }, program);
}

test("its text is kept, bounded, and nothing else stays", async () => {
  const result = await run('echo "$@" >"$2"; : >"$TMPDIR/unpacked"; exit 1');
  const output = join(folder, "report/text");
  expect(result).toEqual({ file: output });
  const text = await readFile(output, "utf8");
  expect(text).toContain("--max-text-report-size 1048576");
  expect(text.trimEnd().endsWith(`-- ${join(folder, "left")} ${join(folder, "right")}`)).toBe(true);
  expect(await readdir(join(folder, "report"))).toEqual(["text"]);
});

test.each<[string, string, Partial<DiffoscopeLimits>, RegExp]>([
  ["that fails", "echo broken >&2; exit 2", {}, /^ended with code 2: broken$/],
  ["that finds nothing", "exit 0", {}, /^ended with code 0: it printed nothing$/],
  ["that writes nothing", "exit 1", {}, /^ended with code 1/],
  ["that takes too long", 'echo part >"$2"; sleep 30', { seconds: 0.2 }, /^gave up after 0.2 s$/],
  ["on files that are too large", "exit 1", { artifactBytes: 0 }, /^not run: both versions have 2 bytes/],
])("one %s is said, not thrown, and leaves nothing", async (_what, script, limits, said) => {
  const result = await run(script, limits);
  expect(result).toEqual({ absent: expect.stringMatching(said) as string });
  expect(await readdir(join(folder, "report")).catch(() => [])).toEqual([]);
});

test("one that is not installed is said", async () => {
  const job = { left: join(folder, "left"), right: join(folder, "right"), output: join(folder, "report/text") };
  const { signal } = new AbortController();
  const gone = join(folder, "gone");
  expect(await runDiffoscope(job, signal, DIFFOSCOPE_LIMITS, gone)).toEqual({ absent: "not installed" });
});

test("a stop from outside is heard", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(run("exit 1", {}, signal)).rejects.toThrow("enough");
});

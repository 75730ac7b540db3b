import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { converse, exec } from "./exec.ts";

describe("exec", () => {
  it("passes arguments as they are and no environment of ours", async () => {
    const outcome = await exec({
      program: "sh",
      args: ["-c", 'printf "%s|%s\\n" "$1" "${HOME-unset}"', "sh", "a b;$(x)"],
    });
    expect(outcome).toMatchObject({ exitCode: 0, stdout: "a b;$(x)|unset\n" });
  });
  it("gives exit codes, signals and the last lines", async () => {
    expect(await exec({ program: "sh", args: ["-c", "echo out; echo err >&2; exit 7"] })).toMatchObject({
      exitCode: 7,
      stdout: "out\n",
    });
    expect((await exec({ program: "sh", args: ["-c", "kill -TERM $$"] })).exitCode).toBe(143);
    const { tail } = await exec({ program: "sh", args: ["-c", "seq 1 5000; echo last >&2"] });
    expect(tail.length).toBeLessThanOrEqual(4096);
    expect(tail).toContain("last\n");
  });
  it("feeds standard input, and survives a program that does not read it", async () => {
    expect((await exec({ program: "cat", args: [], input: "ä\n" })).stdout).toBe("ä\n");
    expect((await exec({ program: "true", args: [], input: "x".repeat(1_000_000) })).exitCode).toBe(0);
  });
  it("says which program is missing", async () => {
    await expect(exec({ program: "no-such-program", args: [] })).rejects.toMatchObject({ code: "ENOENT" });
  });
  it("ends the program when the signal fires", async () => {
    const stop = new AbortController();
    const running = exec({ program: "sleep", args: ["60"], signal: stop.signal });
    stop.abort();
    await expect(running).rejects.toMatchObject({ name: "AbortError" });
  });
  it("settles after the signal only once nothing that the program started writes any more", async () => {
    const stop = new AbortController();
    let up = 0;
    const running = exec({
      ...{ program: "sh", args: ["-c", "sleep 0.7 & echo up; exec sleep 60"], signal: stop.signal },
      onLine: () => {
        up = performance.now();
        stop.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ name: "AbortError" });
    expect(performance.now() - up).toBeGreaterThanOrEqual(500);
  });
  it("does not wait for ever for what was left behind", async () => {
    const running = exec({ program: "sh", args: ["-c", "sleep 60 & exec sleep 60"], signal: AbortSignal.timeout(100) });
    await expect(running).rejects.toMatchObject({ name: "AbortError" });
  });
  it("charges a program for its own processor time", async () => {
    const busy = await exec({ program: "sh", args: ["-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"] });
    const idle = await exec({ program: "sleep", args: ["0.1"] });
    expect(busy.userSeconds).toBeGreaterThan(0.05);
    expect(idle.userSeconds).toBeLessThan(0.05);
    expect(idle.wallSeconds).toBeGreaterThanOrEqual(0.09);
  });
});

describe("standard output in a file", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "exec-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const stdoutFile = () => join(folder, "console");

  it("holds every byte, and each line is told, also a last one without its end", async () => {
    const lines: string[] = [];
    const { stdout, tail, exitCode } = await exec({
      ...{ program: "sh", args: ["-c", "echo one; sleep 0.3; seq 1 20000; printf 'la\\r\\nst'; exit 3"] },
      ...{ stdoutFile: stdoutFile(), onLine: (line: string) => lines.push(line) },
    });
    expect(exitCode).toBe(3);
    expect(stdout).toBe("");
    expect(tail.endsWith("20000\nla\nst\n")).toBe(true);
    expect(lines.length).toBe(20003);
    expect((await readFile(stdoutFile(), "utf8")).endsWith("\n20000\nla\r\nst")).toBe(true);
  });
  it("never makes the program wait for us, as a pipe does", async () => {
    const done = join(folder, "done");
    const script = 'i=0; while [ $i -lt 20000 ]; do printf x; i=$((i+1)); done; : >"$1"';
    const running = exec({ program: "sh", args: ["-c", script, "sh", done], stdoutFile: stdoutFile() });
    const until = Date.now() + 10_000;
    while (!existsSync(done) && Date.now() < until); // a reader that is busy elsewhere
    expect(existsSync(done)).toBe(true);
    await running;
    expect((await readFile(stdoutFile())).length).toBe(20_000);
  });
  it("is told up to the moment when the signal fires", async () => {
    const stop = new AbortController();
    const lines: string[] = [];
    const running = exec({
      ...{ program: "sh", args: ["-c", "echo here; exec sleep 60"], stdoutFile: stdoutFile(), signal: stop.signal },
      onLine: (line) => {
        lines.push(line);
        stop.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ name: "AbortError" });
    expect(lines).toEqual(["here"]);
  });
  it("is an error if the file cannot be made", async () => {
    const running = exec({ program: "true", args: [], stdoutFile: join(folder, "none", "console") });
    await expect(running).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("converse", () => {
  const talk = (program: string, args: readonly string[]) => {
    const ended = Promise.withResolvers<string>();
    const pieces: string[] = [];
    const conversation = converse({ program, args }, (piece) => pieces.push(piece.toString("utf8")), ended.resolve);
    return { ...conversation, ended: ended.promise, pieces };
  };
  it("tells answers as they come, and the end once nothing more is said", async () => {
    const { say, end, ended, pieces } = talk("cat", []);
    say("one\n");
    await vi.waitFor(() => expect(pieces.join("")).toBe("one\n"));
    say("two\n");
    end();
    expect(await ended).toBe("exit code 0");
    expect(pieces.join("")).toBe("one\ntwo\n");
  });
  it("tells what a program said that has failed, and that there is none of its name", async () => {
    expect(await talk("sh", ["-c", "echo no >&2; exit 3"]).ended).toBe("no\n");
    expect(await talk("sh", ["-c", "exit 3"]).ended).toBe("exit code 3");
    expect(await talk("sh", ["-c", "kill -9 $$"]).ended).toBe("SIGKILL");
    const absent = talk("no-such-program", []);
    absent.say("hello\n");
    expect(await absent.ended).toContain("spawn no-such-program ENOENT");
  });
  it("lets this process end while nobody waits for an answer, and the program with it", async () => {
    const script = `import { converse } from ${JSON.stringify(import.meta.resolve("./exec.ts"))};
      const { say, awaitAnswers } = converse({ program: "cat", args: [] }, (piece) => {
        process.stdout.write(piece);
        awaitAnswers(false);
      }, () => undefined);
      say("an answer");
      awaitAnswers(true);`;
    const outcome = await exec({ program: process.execPath, args: ["--input-type=module-typescript", "-e", script] });
    expect(outcome).toMatchObject({ exitCode: 0, stdout: "an answer\n" });
  });
});

import { describe, expect, it } from "vitest";
import { exec } from "./exec.ts";

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
  it("charges a program for its own processor time", async () => {
    const busy = await exec({ program: "sh", args: ["-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"] });
    const idle = await exec({ program: "sleep", args: ["0.1"] });
    expect(busy.userSeconds).toBeGreaterThan(0.05);
    expect(idle.userSeconds).toBeLessThan(0.05);
    expect(idle.wallSeconds).toBeGreaterThanOrEqual(0.09);
  });
});

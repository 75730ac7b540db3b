import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BootMessage, REQUEST_DIGEST_VARIABLE, requestVariables } from "../contract/pod.ts";
import { digestOf, sha256Hex } from "../contract/digest.ts";
import { fileInLog } from "../contract/log-file.ts";
import { exec, PLAIN_ENV } from "./exec.ts";
import { allowedCpus, logEvidence, readPodRequest } from "./pod.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pod-"));
});
afterEach(() => rm(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

describe("readPodRequest", () => {
  it("takes a request from the environment, else from the file", async () => {
    await writeFile(at("request.json"), '{"from":"file"}');
    expect(await readPodRequest(requestVariables({ from: "env" }), at("request.json"))).toEqual({ from: "env" });
    expect(await readPodRequest({}, at("request.json"))).toEqual({ from: "file" });
  });
  it("refuses a file that is not what the controller asked for", async () => {
    await writeFile(at("request.json"), '{"a":1}');
    const env = { [REQUEST_DIGEST_VARIABLE]: digestOf('{"a":1}') };
    expect(await readPodRequest(env, at("request.json"))).toEqual({ a: 1 });
    await writeFile(at("request.json"), '{"a":2}');
    await expect(readPodRequest(env, at("request.json"))).rejects.toMatchObject({
      failure: { code: "InputDigestMismatch", step: "request" },
    });
  });
});

describe("a boot's evidence", () => {
  it("is all in the log, and told by digest", async () => {
    const serial = "console\n".repeat(4000);
    await writeFile(at("serial.log"), serial);
    await writeFile(at("boot.json"), "{}");
    const lines: string[] = [];
    const message = await logEvidence(folder, digestOf("artifact"), (line) => lines.push(line));
    expect(BootMessage.parse(message)).toEqual({
      ...{ schemaVersion: 1, artifact: digestOf("artifact"), result: digestOf("{}"), serialLog: sha256Hex(serial) },
    });
    expect(Buffer.from(fileInLog(lines.join("\n"), "serial.log")).toString()).toBe(serial);
    expect(Buffer.from(fileInLog(lines.join("\n"), "boot.json")).toString()).toBe("{}");
  });
});

describe("allowedCpus", () => {
  it("is a list that taskset takes", async () => {
    expect(await allowedCpus()).toMatch(/^[0-9]+([,-][0-9]+)*$/);
  });
});

describe("pod.sh", () => {
  const script = fileURLToPath(new URL("pod.sh", import.meta.url));
  const uid = String(process.getuid?.() ?? 0);
  const run = (...args: string[]) =>
    exec({ program: "sh", args: [script, ...args], env: { ...PLAIN_ENV, IMGREL_WORK: folder } });
  beforeEach(async () => {
    for (const part of ["out/amd64/raw", "logs"]) await mkdir(at(part), { recursive: true });
    await writeFile(at("out/amd64/raw/installer.img"), "of an attempt before");
    await writeFile(at("logs/01.log"), "of an attempt before");
  });
  it("empties the volume, makes the work folder, and starts there with the umask", async () => {
    const { exitCode, stdout } = await run("0077", uid, "all", "sh", "-c", "umask; pwd");
    expect(exitCode).toBe(0);
    expect(stdout.split("\n").slice(0, 2)).toEqual(["0077", folder]);
    expect((await readdir(folder)).toSorted()).toEqual(["logs", "out", "tmp"]);
    expect([...(await readdir(at("out"))), ...(await readdir(at("logs")))]).toEqual([]);
    expect((await stat(at("out"))).mode & 0o777).toBe(0o755);
  });
  it("runs on all CPUs, or on the one that is counted from those it may use", async () => {
    const list = async (cpu: string) => {
      const { stdout } = await run("0022", uid, cpu, "grep", "Cpus_allowed_list", "/proc/self/status");
      return stdout.trim().split(/\s+/)[1];
    };
    const all = await list("all");
    expect(all).toBe(await allowedCpus());
    const first = /^[0-9]+/.exec(all ?? "")?.[0];
    expect(await list("0")).toBe(first);
    for (const cpu of ["1", "2", "1023"]) expect(await list(cpu)).toMatch(/^[0-9]+$/);
  });
  it("ends with the program's exit code, and starts nothing if the volume is not there", async () => {
    expect((await run("0022", uid, "all", "sh", "-c", "exit 4")).exitCode).toBe(4);
    await rm(at("out"), { recursive: true });
    const { exitCode, stdout } = await run("0022", uid, "all", "echo", "started");
    expect([exitCode === 0, stdout]).toEqual([false, ""]);
  });
});

import { chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { BuildFailure } from "../../builders/contract/build-failure.ts";
import { BOOT_UID, INSIDE } from "../../builders/contract/inside.ts";
import { PLAIN, type Variation } from "../../builders/contract/variation.ts";
import { runBuilder } from "../../builders/host/builder.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { type Command, exec, type Outcome, PLAIN_ENV } from "../../builders/host/exec.ts";
import { endOrphans } from "../../builders/host/orphans.ts";
import { thisProcess } from "../../builders/host/process-identity.ts";
import { type Bind, inSandbox } from "../../builders/host/sandbox.ts";
import { PROJECT } from "../imgrel.ts";
import { lastProcessesIn, processesIn } from "../processes.ts";
import { toolchainRoot } from "../toolbox.ts";

// What a build step sees, asked from inside one, and how a sandbox ends.
let root = "";

beforeAll(async () => {
  root = await toolchainRoot();
});

async function inside(rights: "build" | "boot", script: string): Promise<Outcome> {
  const work = await mkdtemp(join(tmpdir(), "sandbox-"));
  try {
    return await exec(
      inSandbox({ rights, variation: PLAIN, root, work, binds: [], env: PLAIN_ENV }, "/bin/sh", ["-c", script]),
    );
  } finally {
    await rm(work, { recursive: true });
  }
}

describe("a build step", () => {
  it("has eight capabilities, can gain none, and is uid 0", async () => {
    const { stdout } = await inside("build", "grep -E '^(Cap|NoNewPrivs)' /proc/self/status; id -u");
    expect(stdout).toBe(
      [
        "CapInh:\t0000000000000000",
        "CapPrm:\t00000000080400db",
        "CapEff:\t00000000080400db",
        "CapBnd:\t00000000080400db",
        "CapAmb:\t0000000000000000",
        "NoNewPrivs:\t1",
        "0\n",
      ].join("\n"),
    );
  });
  it("has an empty network: no device that is up, no route, no answer", async () => {
    const { stdout } = await inside(
      "build",
      "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '; tail -n +2 /proc/net/route | wc -l; python3 -c \"import socket; socket.create_connection(('127.0.0.1', 80), 2)\" 2>&1 | tail -1",
    );
    expect(stdout.split("\n")).toEqual(["lo", "0", "OSError: [Errno 101] Network is unreachable", ""]);
  });
  it("writes nowhere but in its work folder, and mounts nothing", async () => {
    const { stdout } = await inside(
      "build",
      "for f in /x /usr/x /imgrel/x /in/x /w/x; do if (: >$f) 2>/dev/null; then echo $f; fi; done; mount -t tmpfs x /tmp 2>&1 | head -1",
    );
    expect(stdout).toContain("/w/x\nmount: ");
    expect(stdout).toContain("permission denied");
  });
  it("sees no path, process or mount of the host, even after leaving its chroot", async () => {
    const escape =
      "import os; os.mkdir('/w/c'); os.chroot('/w/c'); [os.chdir('..') for _ in range(64)]; os.chroot('.'); print(sorted(os.listdir('/')))";
    const { stdout } = await inside(
      "build",
      `ls -d /proc/[0-9]* | wc -l; ls /mnt; cat /proc/self/mounts | grep -c ' /w '; python3 -c "${escape}"`,
    );
    const [processes, mounts, listing = ""] = stdout.split("\n");
    expect(Number(processes)).toBeLessThan(6);
    expect(mounts).toBe("1");
    expect(listing).toContain("'imgrel'");
  });
});

describe("a boot", () => {
  it("is uid 65532 without any capability", async () => {
    const { stdout } = await inside("boot", "id -u; grep -E '^Cap(Eff|Bnd)|^NoNewPrivs' /proc/self/status");
    expect(stdout).toBe("65532\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\n");
  });
});

describe("the start of a build in a pod", () => {
  it("finds its tools in the toolchain, and leaves the work folder as a sandbox has it", async () => {
    const work = await mkdtemp(join(tmpdir(), "pod-start-"));
    try {
      for (const part of ["out/amd64", "logs"]) await mkdir(join(work, part), { recursive: true });
      await writeFile(join(work, "out/amd64/left"), "by an attempt that was taken away");
      await chown(join(work, "out/amd64"), BOOT_UID, BOOT_UID);
      const look =
        "umask; nproc; pwd; stat -c '%u %a %n' /w /w/tmp /w/out /w/logs; ls -A /w/out /w/logs /w/tmp | grep left";
      const start = [`${INSIDE.project}/builders/host/pod.sh`, "0077", String(BOOT_UID), "0", "sh", "-c", look];
      const binds = [{ source: join(PROJECT, "builders"), target: `${INSIDE.project}/builders` }];
      const sandbox = { rights: "build", variation: PLAIN, root, work, binds, env: PLAIN_ENV } as const;
      const { stdout, tail } = await exec(inSandbox(sandbox, "/bin/sh", start));
      const folders = ["/w", "/w/tmp", "/w/out", "/w/logs"].map((folder) => `${BOOT_UID} 755 ${folder}`);
      expect(stdout.trimEnd().split("\n"), tail).toEqual(["0077", "1", "/w", ...folders]);
    } finally {
      await rm(work, { recursive: true });
    }
  });
});

describe("a run beside another one", () => {
  const DERIVED = ["run-1", "finished.json", "state.json", "root.erofs"];
  let folder = "";
  let work = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "siblings-"));
    work = join(folder, "run-2");
    // what the first run, its comparison and a toolchain in the making leave beside it
    for (const part of ["run-1/out", "run-2/out", "run-2/logs", "run-2/tmp", "cache/toolchains/a.1-2.partial/stage1"]) {
      await mkdir(join(folder, part), { recursive: true });
    }
    for (const file of ["run-1/finished.json", "run-1/root.erofs", "run-1/out/marker", "state.json"]) {
      await writeFile(join(folder, file), "");
    }
    await writeFile(join(folder, "cache/toolchains/a.1-2.partial/stage1/marker"), "");
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each(["disk", "memory"] as const)("sees nothing of it (work folder: %s)", async (workFileSystem) => {
    const variation: Variation = { ...PLAIN, workFileSystem };
    const script = `find / -name proc -prune -o ${["marker", ...DERIVED].map((name) => `-name ${name} -print`).join(" -o ")}; cut -d ' ' -f 5 /proc/self/mountinfo`;
    const command = inSandbox({ rights: "build", variation, root, work, binds: [], env: PLAIN_ENV }, "/bin/sh", [
      "-c",
      script,
    ]);
    const { stdout } = await exec(command);
    const own = workFileSystem === "memory" ? ["/w", "/w/out", "/w/logs"] : ["/w"];
    expect(stdout.trimEnd().split("\n")).toEqual(["/", "/proc", "/tmp", "/dev", "/imgrel", "/in", ...own]);
  });

  async function refusal(binds: readonly Bind[]): Promise<BuildFailure> {
    const cache = cacheRoot(process.env);
    const surroundings = { toolchainRoot: root, work, cache, project: PROJECT, command: "build" as const, binds };
    const { signal } = new AbortController();
    const error: unknown = await runBuilder({ ...surroundings, request: {}, report: () => undefined, signal }).catch(
      (thrown: unknown) => thrown,
    );
    return (error as { failure: BuildFailure }).failure;
  }
  it("does not start if it could see the other's folder", async () => {
    const failure = await refusal([{ source: join(folder, "run-1"), target: "/in/run-1" }]);
    expect(failure.code).toBe("SurroundingsMismatch");
    expect(failure.message).toContain("something is mounted at /in/run-1; /in holds run-1");
  });
  it("does not start on results of an earlier one", async () => {
    await writeFile(join(work, "root.erofs"), "");
    await writeFile(join(work, "out/disk.img"), "");
    const { code, message } = await refusal([]);
    expect(code).toBe("SurroundingsMismatch");
    expect(message).toContain(`${work} holds root.erofs; ${work}/out holds disk.img`);
  });
  it("starts alone in its folder: then only the request is wrong", async () => {
    expect((await refusal([])).code).toBe("InvalidRequest");
  });
});

// what goes on does so until the time is over: exec waits for all that may still write
describe.each(["build", "boot"] as const)("a sandbox for a %s", { timeout: 30_000 }, (rights) => {
  let work = "";
  beforeEach(async () => {
    work = await mkdtemp(join(tmpdir(), "ending-"));
  });
  afterEach(() => rm(work, { recursive: true }));
  const sleeping = (): Command =>
    inSandbox({ rights, variation: PLAIN, root, work, binds: [], env: PLAIN_ENV }, "/bin/sh", [
      "-c",
      "sleep 4000 & echo up; wait",
    ]);

  it("has ended when the program that it is for was stopped", async () => {
    const stop = new AbortController();
    const onLine = (line: string) => line === "up" && stop.abort();
    await expect(exec({ ...sleeping(), signal: stop.signal, onLine })).rejects.toMatchObject({ name: "AbortError" });
    expect(await processesIn(work)).toEqual([]);
  });
  it("ends when the process that started it is killed", async () => {
    // a process of its own starts the sandbox, says its ID, and passes on what it hears
    const code =
      'import { exec } from "./builders/host/exec.ts"; console.log(process.pid); await exec({ ...JSON.parse(process.argv[1]), onLine: (line) => console.log(line) });';
    const lines: string[] = [];
    const outcome = await exec({
      program: process.execPath,
      args: ["--input-type=module", "-e", code, JSON.stringify(sleeping())],
      cwd: PROJECT,
      onLine: (line) => {
        lines.push(line);
        if (line === "up") process.kill(Number(lines[0]), "SIGKILL");
      },
    });
    expect(outcome.exitCode, outcome.tail).toBe(137);
    expect(lines).toContain("up");
    expect(await lastProcessesIn(work, 5)).toEqual([]);
  });
  it("is found and ended if nothing ties it to a process any more", async () => {
    const { program, args, env = {} } = sleeping();
    const untied = args.slice(args.indexOf("unshare")).filter((arg) => !arg.startsWith("--kill-child"));
    const script = '"$@" >&2 & while read -r _; do :; done';
    const lines: string[] = [];
    const started = exec({
      ...{ program: "setsid", args: ["sh", "-c", script, "sh", ...untied], env },
      onLine: (line) => lines.push(line),
    });
    expect(program).toBe("setpriv");
    while (!lines.includes("up")) await new Promise((tick) => setTimeout(tick, 20));
    expect(await processesIn(work)).not.toEqual([]);
    await endOrphans(thisProcess(), new AbortController().signal);
    expect(await processesIn(work)).toEqual([]);
    await started;
  });
});

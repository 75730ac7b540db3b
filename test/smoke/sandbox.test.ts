import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { PLAIN } from "../../builders/contract/variation.ts";
import { exec, type Outcome, PLAIN_ENV } from "../../builders/host/exec.ts";
import { inSandbox } from "../../builders/host/sandbox.ts";
import { toolchainRoot } from "../toolbox.ts";

// What a build step sees, asked from inside one.
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

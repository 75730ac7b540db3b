import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BootRequest } from "../contract/boot.ts";
import { expectedFields, persistFault, plainLine, readConsole, type Verdict } from "./console.ts";

const request: BootRequest = {
  schemaVersion: 1,
  arch: "amd64",
  variant: "kernel-initrd",
  identity: "807d037f-38ff-4456-ac29-4a57f409007c",
  rootDigest: `sha256:${"2f".repeat(32)}`,
  backing: "embedded:/powernode/root.erofs",
  disk: null,
  memoryMiB: 1536,
  timeoutSeconds: 300,
};

const agentLine = (over: Record<string, string> = {}): string => {
  const fields = { ...Object.fromEntries(expectedFields(request)), ...over };
  return `powernode-agent (stand-in): ${Object.entries(fields)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ")}`;
};

const read = (...lines: string[]): Verdict => {
  const next = readConsole(request);
  return lines.map(next).at(-1) ?? { state: "running" };
};

describe("readConsole", () => {
  it("passes on the agent's report, even behind a login prompt and escape sequences", () => {
    const line = agentLine();
    expect(read(`\u001b[!p\u001b[6npowernode login: ${line}\r`)).toEqual({ state: "passed", agentLine: line });
  });
  it("takes no login prompt, target or half report for a proof", () => {
    expect(read("powernode login: ", "[  OK  ] Reached target multi-user.target", "powernode-agent started")).toEqual({
      state: "running",
    });
  });
  it("fails on each field that is not as expected, naming both values", () => {
    for (const [key, value] of expectedFields(request)) {
      const verdict = read(agentLine({ [key]: "other" }));
      expect(verdict.state, key).toBe("failed");
      expect(verdict.state === "failed" && verdict.reason).toBe(`${key}: expected ${value}, the agent reports other`);
    }
  });
  it("tells a refusal with everything that the initramfs said", () => {
    const verdict = read(
      "powernode: ====",
      "powernode: BOOT REFUSED: the root image is not the one this boot was told to run",
      "powernode:   expected: sha256:aa",
      "powernode:   computed: sha256:bb",
      "powernode: ====",
    );
    expect(verdict).toEqual({
      state: "failed",
      reason:
        "the initramfs refused to boot: the root image is not the one this boot was told to run; expected: sha256:aa; computed: sha256:bb",
      agentLine: null,
    });
  });
  it("fails on a panic, but not on the word in a command line", () => {
    expect(read("Kernel command line: panic=10")).toEqual({ state: "running" });
    expect(read("[ 1.0] Kernel panic - not syncing: VFS: Unable to mount root fs")).toMatchObject({ state: "failed" });
  });
  it("keeps its verdict", () => {
    expect(read(agentLine({ identity: "x" }), agentLine()).state).toBe("failed");
  });
});

describe("a disk's report", () => {
  const disk = { firmware: "uefi", bus: "nvme", extraMiB: 1024, persistMiB: 1000 } as const;
  const onDisk: BootRequest = { ...request, variant: "raw", backing: `partition:${request.identity}`, disk };
  const report = (persist: string, backing = onDisk.backing) =>
    readConsole(onDisk)(`${agentLine({ backing })} persist=${persist}`);

  it("passes with the image's own partition and a grown persist", () => {
    expect(report("ext4:rw:1077").state).toBe("passed");
  });
  it("fails on another disk's root partition", () => {
    expect(report("ext4:rw:1077", "partition:00000000-0000-8000-8000-000000000000").state).toBe("failed");
  });
  it.each(["none", "ext4:ro:1077", "tmpfs:rw:1077", "ext4:rw:999", "ext4:rw:", "ext4:rw:1e9"])(
    "fails with persist=%s",
    (persist) => {
      const verdict = report(persist);
      expect(verdict).toMatchObject({ state: "failed" });
      expect(verdict.state === "failed" && verdict.reason).toBe(
        `persist: expected ext4:rw: and at least 1000 MiB, the agent reports ${persist}`,
      );
    },
  );
  it("fails without the field", () => expect(persistFault(undefined, 1)).toContain("reports nothing"));
});

describe("plainLine", () => {
  it("leaves no control character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        // oxlint-disable-next-line no-control-regex -- that is the property
        expect(plainLine(`\u001b[0;32m${text}\u001b[K`)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]/);
      }),
    );
    expect(plainLine("[\u001b[0;32m  OK  \u001b[0m] Reached\r")).toBe("[  OK  ] Reached");
  });
});

import { describe, expect, it } from "vitest";
import { demoFolder } from "../../../test/fakes/cluster-objects.ts";
import { fakeReleaseWork } from "../../../test/fakes/release-work.ts";
import type { Action } from "../../domain/action.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { releaseDigest } from "../../domain/release-folder.ts";
import { measuredWork } from "./measured-work.ts";

const never = new AbortController().signal;
const TARGET = { arch: "amd64", variant: "kernel-initrd" } as const;

function world(fault?: unknown, done = new Set<string>()) {
  const told: unknown[] = [];
  let now = 0;
  const { work } = fakeReleaseWork(
    releaseDigest(demoFolder()),
    async () => {
      now += 1500;
      if (fault !== undefined) throw fault;
    },
    done,
  );
  const tell =
    (name: string) =>
    (...what: readonly unknown[]) =>
      void told.push([name, ...what]);
  const counts = {
    ...{ stepEnded: tell("ended"), stepFailed: tell("failed"), buildAttempted: tell("build") },
    ...{ compared: tell("compared"), signed: tell("signed"), published: tell("published") },
  };
  return { told, measured: measuredWork(work, counts, { monotonic: () => now }) };
}

describe("the work on a release, measured", () => {
  it.each<readonly [string, Action, readonly unknown[]]>([
    [
      "a build",
      { kind: "build", arch: "amd64", run: 1 },
      [
        ["ended", { step: "Built", arch: "amd64", variant: "all" }, 1.5],
        ["build", { variant: "all", arch: "amd64", result: "succeeded" }],
      ],
    ],
    [
      "a boot",
      { kind: "boot", arch: "amd64", boot: { variant: "raw", firmware: "uefi", bus: "nvme" } },
      [["ended", { step: "Verified", arch: "amd64", variant: "raw" }, 1.5]],
    ],
    [
      "a signature",
      { kind: "sign", target: TARGET, document: "sbom" },
      [
        ["ended", { step: "Signed", ...TARGET }, 1.5],
        ["signed", { mode: "key", result: "succeeded" }],
      ],
    ],
    [
      "a publication",
      { kind: "tag", target: TARGET },
      [
        ["ended", { step: "Published", ...TARGET }, 1.5],
        ["published", { backend: "oci", result: "succeeded" }],
      ],
    ],
    [
      "a record",
      { kind: "record", failure: null },
      [["ended", { step: "Recorded", arch: "all", variant: "all" }, 1.5]],
    ],
  ])("tells how long %s took", async (_, action, expected) => {
    const { told, measured } = world();
    await measured.act(action, never);
    expect(told).toEqual(expected);
  });

  it("tells of each comparison once, and of none that it did not make", async () => {
    const { told, measured } = world(undefined, new Set(["differ"]));
    await measured.observe(new Set());
    expect(told).toEqual([]);
    await measured.act({ kind: "compare", arch: "amd64" }, never);
    await measured.observe(new Set());
    await measured.observe(new Set());
    expect(told.slice(1)).toEqual([["compared", { result: "NotReproducible", variant: "all", arch: "amd64" }]]);
  });

  it("tells what failed and why", async () => {
    const { told, measured } = world(new ReleaseError("OOMKilled", "no memory", "more"));
    await expect(measured.act({ kind: "build", arch: "amd64", run: 2 }, never)).rejects.toThrow("no memory");
    expect(told).toEqual([
      ["failed", { step: "Built", class: "Resource", reason: "OOMKilled" }],
      ["build", { variant: "all", arch: "amd64", result: "failed" }],
    ]);
  });

  it.each([
    ["a leader that is none any more", new ReleaseError("LeaseLost", "gone", ""), never],
    ["an interruption", new Error("deleted"), AbortSignal.abort()],
  ])("counts nothing of %s", async (_, fault, signal) => {
    const { told, measured } = world(fault);
    await expect(measured.act({ kind: "build", arch: "amd64", run: 1 }, signal)).rejects.toBe(fault);
    expect(told).toEqual([]);
  });
});

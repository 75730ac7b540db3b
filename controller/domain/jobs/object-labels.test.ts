import { describe, expect, it } from "vitest";
import { digestOf } from "../../../builders/contract/digest.ts";
import {
  attemptOf,
  attemptsSelector,
  claimLabels,
  jobLabels,
  LABEL,
  labelDigest,
  ownSelector,
  releaseSelector,
} from "./object-labels.ts";

const mark = { attempt: 3, request: digestOf("request"), round: digestOf("round"), fencing: 12 };
const group = "releases.powernode.io";

describe("labels", () => {
  it("say release, arch, run, step, attempt, request, round and fencing number", () => {
    expect(jobLabels("noble-1", { step: "build", arch: "amd64", run: 2 }, mark)).toEqual({
      "app.kubernetes.io/managed-by": "imgrel",
      [`${group}/release`]: "noble-1",
      [`${group}/arch`]: "amd64",
      [`${group}/step`]: "build",
      [`${group}/run`]: "2",
      [`${group}/attempt`]: "3",
      [`${group}/request`]: labelDigest(mark.request),
      [`${group}/round`]: labelDigest(mark.round),
      [`${group}/fencing`]: "12",
    });
    expect(jobLabels("noble-1", { step: "boot", arch: "amd64", boot: "raw-uefi" }, mark)[LABEL.boot]).toBe("raw-uefi");
  });
  it("are legal values", () => {
    const labels = jobLabels("ubuntu-24.04-2026.11.23-1", { step: "build", arch: "amd64", run: 2 }, mark);
    for (const value of Object.values(labels)) expect(value).toMatch(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/);
  });
  it("select all attempts, and all of a release", () => {
    const selector = attemptsSelector("noble-1", { step: "publish", arch: "arm64", run: 1 });
    expect(selector).toBe(
      `app.kubernetes.io/managed-by=imgrel,${group}/release=noble-1,${group}/arch=arm64,${group}/step=publish,${group}/run=1`,
    );
    expect(releaseSelector("noble-1")).toBe(`app.kubernetes.io/managed-by=imgrel,${group}/release=noble-1`);
  });
  it("lead from a Job or pod to all attempts, in whatever order they come", () => {
    const refs = [
      { step: "fetch", arch: "amd64" },
      { step: "build", arch: "amd64", run: 2 },
      { step: "boot", arch: "arm64", boot: "raw-uefi" },
    ] as const;
    for (const ref of refs) {
      const labels = { ...jobLabels("noble-1", ref, mark), "batch.kubernetes.io/job-name": "x" };
      expect(ownSelector(labels)).toBe(attemptsSelector("noble-1", ref));
      expect(ownSelector(Object.fromEntries(Object.entries(labels).toReversed()))).toBe(ownSelector(labels));
    }
    expect(ownSelector({ [LABEL.release]: "noble-1" })).not.toBe(ownSelector({}));
  });
  it("put a volume to its run, not to a step", () => {
    const labels = claimLabels("noble-1", "amd64", 2);
    expect(labels).toMatchObject({ [LABEL.release]: "noble-1", [LABEL.arch]: "amd64", [LABEL.run]: "2" });
    expect(labels).not.toHaveProperty([LABEL.step]);
  });
  it("tell the attempt, or nothing", () => {
    expect(attemptOf(jobLabels("noble-1", { step: "fetch", arch: "amd64" }, mark))).toBe(3);
    for (const text of ["", "0", "-1", "x", "1.5", "99999"]) expect(attemptOf({ [LABEL.attempt]: text })).toBeNull();
    expect(attemptOf(undefined)).toBeNull();
  });
});

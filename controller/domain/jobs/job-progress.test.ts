import { describe, expect, it } from "vitest";
import { ReleaseStatus } from "../release-status.ts";
import { jobProgress, type JobProgress, jobTitle, runsWith, waitingText } from "./job-progress.ts";

const build = { step: "build", arch: "amd64", run: 2 } as const;
const waits = (ref: JobProgress["ref"], message: string | null): JobProgress =>
  jobProgress(ref, 1, "dir-x", { state: "pending", message });

describe("how a Job stands", () => {
  it("names node and reason where there are any, in one line", () => {
    const failed = { cause: "OOMKilled", pod: "p", node: "n1", container: "build", exitCode: 137, own: null } as const;
    expect(jobProgress(build, 3, "dir-x-3", { state: "failed", ...failed, message: "killed\n\u001b[31mhere" })).toEqual(
      {
        ...{ ref: build, attempt: 3, job: "dir-x-3", node: "n1", state: "Failed", reason: "killed here" },
      },
    );
    expect(jobProgress(build, 1, "j", { state: "running", pod: "p", node: "n2" })).toMatchObject({
      ...{ node: "n2", state: "Running", reason: null },
    });
    expect(waits(build, null)).toMatchObject({ node: null, state: "Pending", reason: null });
    expect(waits(build, "x".repeat(9000)).reason).toHaveLength(1024);
  });
  it("is told by the Job's title", () => {
    expect(jobTitle({ step: "fetch", arch: "arm64" })).toBe("arm64 fetch");
    expect(jobTitle(build)).toBe("amd64 run 2 build");
    expect(jobTitle({ step: "boot", arch: "amd64", boot: "raw-uefi" })).toBe("amd64 raw-uefi boot");
  });
});

describe("what holds a release up", () => {
  it("is what the cluster says of a Job that waits, and nothing else", () => {
    expect(waitingText([])).toBeNull();
    const others = [waits(build, null), jobProgress(build, 1, "j", { state: "running", pod: "p", node: "n2" })];
    expect(waitingText(others)).toBeNull();
    const one = waits(build, "0/1 nodes are available");
    expect(waitingText([...others, one])).toBe("amd64 run 2 build waits: 0/1 nodes are available");
    const boot = waits({ step: "boot", arch: "amd64", boot: "raw-uefi" }, "no room");
    expect(waitingText([boot, one])).toBe("amd64 raw-uefi boot waits: no room (and 1 more)");
    expect(waitingText([one, boot])).toBe(waitingText([boot, one]));
  });
});

describe("the runs of a status", () => {
  it("are those that were, with what is known now; other Jobs are no runs", () => {
    const before = [{ arch: "arm64", run: 1, state: "Succeeded", node: "n9" }] as const;
    const fetch = waits({ step: "fetch", arch: "amd64" }, null);
    const first = jobProgress({ ...build, run: 1 }, 1, "dir-b1-1", { state: "running", pod: "p", node: "n1" });
    const runs = runsWith(before, [waits(build, "no room"), fetch, first]);
    expect(runs).toEqual([
      { arch: "amd64", run: 1, attempt: 1, job: "dir-b1-1", node: "n1", state: "Running" },
      { arch: "amd64", run: 2, attempt: 1, job: "dir-x", state: "Pending", reason: "no room" },
      before[0],
    ]);
    expect(ReleaseStatus.parse({ builds: runs }).builds).toEqual(runs);
    // what a run waited for is over once it runs
    const started = jobProgress(build, 1, "dir-x", { state: "running", pod: "p", node: "n2" });
    expect(runsWith(runs, [started])[1]).not.toHaveProperty("reason");
  });
});

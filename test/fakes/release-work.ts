import type { Digest } from "../../builders/contract/digest.ts";
import { type Action, actionKey } from "../../controller/domain/action.ts";
import type { Observed } from "../../controller/domain/observed.ts";

/**
 * A release of one target without disks, in memory; each action takes effect when `perform` resolves.
 * @param done keys of the effects that are there; `differ` stands for runs that are not the same
 */
export function fakeReleaseWork(
  specDigest: Digest,
  perform: (action: Action, signal: AbortSignal) => Promise<void> = async () => undefined,
  done = new Set<string>(),
) {
  const started: string[] = [];
  const ended: string[] = [];
  let failed: Omit<Extract<Observed["record"], { kind: "failed" }>, "kind"> | null = null;
  const has = (key: string) => done.has(key);
  const observe = async (running: ReadonlySet<string>): Promise<Observed> => ({
    ...{ specDigest, version: "1" },
    record:
      failed !== null
        ? { ...failed, kind: "failed" }
        : has("record")
          ? { kind: "recorded", specDigest, version: "1", commit: "c" }
          : { kind: "absent" },
    gate: { reproducibility: "Enforce", boot: "Enforce", bootWanted: true },
    keepRuns: true,
    parallelBoots: 2,
    inputsArchived: has("archive-inputs"),
    arches: [
      {
        arch: "amd64",
        variants: ["kernel-initrd"],
        runs: 2,
        finished: new Set([1, 2].filter((run) => has(`build amd64 run ${run}`))),
        verdict: has("differ") ? "NotReproducible" : has("compare amd64") ? "Reproduced" : null,
        fault: has("differ") ? "runs 1 and 2 differ" : null,
        boots: new Map(has("boot amd64 kernel-initrd") ? [["kernel-initrd", { passed: true, reason: "" }]] : []),
      },
    ],
    targets: [
      {
        arch: "amd64",
        variant: "kernel-initrd",
        staged: has("stage amd64/kernel-initrd"),
        documents: new Set(
          (["provenance-run-1", "provenance-run-2", "tests", "sbom"] as const).filter((name) =>
            has(`sign amd64/kernel-initrd ${name}`),
          ),
        ),
        published: has("publish amd64/kernel-initrd"),
        tag: has("tag amd64/kernel-initrd") ? "ours" : "absent",
      },
    ],
    running,
  });
  const act = async (action: Action, signal: AbortSignal): Promise<void> => {
    const key = actionKey(action);
    started.push(key);
    try {
      await perform(action, signal);
      done.add(key);
      if (action.kind === "record" && action.failure !== null) {
        failed = { specDigest, version: "1", commit: "c", failure: action.failure };
      }
    } finally {
      ended.push(key);
    }
  };
  return { work: { observe, act }, done, started, ended };
}

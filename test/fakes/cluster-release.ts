import { join } from "node:path";
import { digestOf } from "../../builders/contract/digest.ts";
import type { Report } from "../../builders/contract/progress.ts";
import { ReleaseError } from "../../controller/domain/errors.ts";
import type { JobProgress } from "../../controller/domain/jobs/job-progress.ts";
import type { JobSettings } from "../../controller/domain/jobs/job-settings.ts";
import type { JobManifest } from "../../controller/domain/jobs/kubernetes-objects.ts";
import { LABEL } from "../../controller/domain/jobs/object-labels.ts";
import type { BuildJob } from "../../controller/ports/job-runner.ts";
import type { StagingStore } from "../../controller/ports/staging-store.ts";
import { fakeArtifactStore } from "./artifact-store.ts";
import { fakeClusterJobs, type PodEnd } from "./cluster-jobs.ts";
import { demoBuildRequest, demoJobContext, demoToolchainLock } from "./job-context.ts";
import { stageFiles, type writeDemoRun } from "./staged-run.ts";

/** Digest of the image that the fetch pod tells. */
export const INPUTS = digestOf("inputs image");

/** One run of the release that {@link fakeClusterRelease} builds. */
export const demoBuildJob = (run = 1): BuildJob => ({
  ...{ request: demoBuildRequest("amd64"), run, toolchain: demoToolchainLock("amd64") },
});

/** A pod that ends well and says this. */
export const said = (message: object, log = ""): PodEnd => ({
  ...{ kind: "exit", code: 0, message: JSON.stringify(message), log },
});

/** `build1`, `fetch`. */
export const stepOf = ({ metadata }: JobManifest): string =>
  `${metadata.labels[LABEL.step]}${metadata.labels[LABEL.run] ?? ""}`;
export const attemptOf = ({ metadata }: JobManifest): string => metadata.labels[LABEL.attempt] ?? "";

/** A staging repository that removes. */
const removable = ({ store, manifests }: ReturnType<typeof fakeArtifactStore>): StagingStore => ({
  ...store,
  remove: async (digest) => manifests.delete(digest),
});

/** Programs of pods by step, `build1`; what a test leaves out ends well. */
export type Programs = Readonly<Record<string, (job: JobManifest, nth: number) => PodEnd | Promise<PodEnd>>>;

/**
 * A release of one arch in a cluster in memory, whose runs all leave what `made` is, below `<folder>/volume`. `options`:
 * what a runner is made of; each stands for a process that starts and knows nothing of an earlier one but its folder.
 */
export function fakeClusterRelease(
  folder: string,
  made: Awaited<ReturnType<typeof writeDemoRun>>,
  programs: Programs = {},
  over: Partial<JobSettings> = {},
) {
  const staging = fakeArtifactStore("registry.example/staging");
  const ends: Programs = {
    fetch: () => said({ schemaVersion: 1, inputsImage: INPUTS }),
    build: () => said({ schemaVersion: 1, manifest: made.digest, cpus: "3" }),
    publish: async () => {
      const staged = await stageFiles(staging.store, join(folder, "volume"), made.paths);
      return said({ schemaVersion: 1, manifest: made.digest, staged });
    },
  };
  const cluster = fakeClusterJobs(async (manifest, nth) => {
    const program = programs[stepOf(manifest)] ?? ends[manifest.metadata.labels[LABEL.step] ?? ""];
    if (program === undefined) throw new RangeError(stepOf(manifest));
    return program(manifest, nth);
  });
  let leads = true;
  const { identity, settings, retryAt } = demoJobContext(over);
  const access = { allowPrivate: false, allowHTTP: false, ca: null };
  const told: JobProgress[] = [];
  const options = (work = "work", report: Report = () => undefined) => ({
    ...{
      cluster: cluster.cluster,
      identity,
      settings,
      retryAt,
      runs: 2,
      staging: removable(staging),
      work: join(folder, work),
    },
    fencing: () => {
      if (leads) return 7;
      throw new ReleaseError("Internal", "no leader any more", "wait");
    },
    fetch: {
      archives: {
        debian: { sources: [{ kind: "mirror" as const, url: "https://mirror.example/debian" }], keyring: "k.gpg" },
      },
      repository: "registry.example/inputs",
      access,
    },
    publish: { repository: "registry.example/staging", access },
    ...{
      perturbation: null,
      report,
      onJob: (progress: JobProgress) => void told.push(progress),
      now: cluster.now,
      random: () => 0,
    },
    pause: async (milliseconds: number) => cluster.pass(milliseconds),
  });
  return {
    ...{ ...cluster, staging, options, identity, settings, told },
    names: (suffix: string) => cluster.created.filter((name) => name.includes(suffix)),
    /** another process leads from now on */
    loseLead: () => {
      leads = false;
    },
  };
}

import { type Digest, digestOf, stableJson } from "../../../builders/contract/digest.ts";
import type { Perturbation } from "../../../builders/contract/perturbation.ts";
import { BuildMessage, FetchMessage, PublishMessage } from "../../../builders/contract/pod.ts";
import { buildJob } from "../../domain/jobs/build-job.ts";
import { fetchJob, type FetchPod } from "../../domain/jobs/fetch-job.ts";
import type { JobContext } from "../../domain/jobs/job-frame.ts";
import { publishJob, type PublishPod } from "../../domain/jobs/publish-job.ts";
import type { BuildJob } from "../../ports/job-runner.ts";
import type { AttemptedJob } from "./attempts.ts";

/** What decides the Jobs of a release's runs. */
export type RunJobOptions = {
  readonly identity: JobContext["identity"];
  readonly settings: JobContext["settings"];
  readonly retryAt: JobContext["retryAt"];
  /**
   * number of this leader's term, asked before each Job is created
   * @throws ReleaseError if this process leads no more
   */
  readonly fencing: () => number;
  /** how many runs of each arch there are */
  readonly runs: number;
  /** archives, inputs repository and how to reach it, for the fetch Job */
  readonly fetch: Omit<FetchPod, "build" | "toolchain">;
  /** staging repository and how a publish pod reaches it */
  readonly publish: Pick<PublishPod, "repository" | "access">;
  /** a run that a test wants made wrong; null outside tests */
  readonly perturbation: Perturbation | null;
};

/** Jobs with fixed resources: more of them is not the class's to give. */
export const fixedPolicy = (settings: JobContext["settings"]) => ({ ...settings, resources: {}, maxResources: {} });

/** The Jobs that one run of one arch consists of. */
export function wantedJobs(options: RunJobOptions) {
  const { identity, settings, retryAt, fencing } = options;
  const context = (): JobContext => ({ identity, settings, retryAt, fencing: fencing() });
  return {
    fetching: ({ request, toolchain }: Omit<BuildJob, "run">): AttemptedJob<FetchMessage> => ({
      ref: { step: "fetch", arch: request.arch },
      message: FetchMessage,
      policy: fixedPolicy(settings),
      manifest: (attempt, { deadlineSeconds }) =>
        fetchJob(context(), { build: request, toolchain, ...options.fetch }, { attempt, deadlineSeconds }),
    }),
    building: (
      { request, run }: BuildJob,
      inputsImage: Digest,
      usedNodes: readonly string[],
    ): AttemptedJob<BuildMessage> => ({
      ref: { step: "build", arch: request.arch, run },
      message: BuildMessage,
      policy: settings,
      manifest: (attempt, { resources, deadlineSeconds }) => {
        const pod = {
          ...{ arch: request.arch, run, runs: options.runs, resources, usedNodes, perturbation: options.perturbation },
          inputsImage: `${options.fetch.repository}@${inputsImage}`,
          request: digestOf(stableJson(request)),
        };
        return buildJob(context(), pod, { attempt, deadlineSeconds });
      },
    }),
    publishing: ({ request, run }: BuildJob): AttemptedJob<PublishMessage> => ({
      ref: { step: "publish", arch: request.arch, run },
      message: PublishMessage,
      policy: fixedPolicy(settings),
      manifest: (attempt, { deadlineSeconds }) => {
        const { arch, sourceDateEpoch } = request;
        return publishJob(context(), { arch, run, sourceDateEpoch, ...options.publish }, { attempt, deadlineSeconds });
      },
    }),
  };
}

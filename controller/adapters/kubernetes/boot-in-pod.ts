import { randomUUID } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BootResult } from "../../../builders/contract/boot.ts";
import { digestOf } from "../../../builders/contract/digest.ts";
import { fileInLog } from "../../../builders/contract/log-file.ts";
import { BootMessage } from "../../../builders/contract/pod.ts";
import { artifactDigest } from "../../../builders/host/artifact-digest.ts";
import { BOOT_RESULT_FILE, SERIAL_LOG_FILE } from "../../../builders/host/builder.ts";
import { bootName } from "../../domain/boot-plan.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { bootJob } from "../../domain/jobs/boot-job.ts";
import type { JobContext } from "../../domain/jobs/job-frame.ts";
import type { ClusterJobs } from "../../ports/cluster-jobs.ts";
import type { BootJob, BootOutcome } from "../../ports/job-runner.ts";
import type { AttemptedJob, AttemptResult } from "./attempts.ts";
import { fixedPolicy } from "./wanted-jobs.ts";

/** More than a boot's log ever has. */
const ALL_LINES = 1_000_000;

export type BootPorts = {
  readonly cluster: ClusterJobs;
  readonly context: () => JobContext;
  readonly complete: (
    wanted: AttemptedJob<BootMessage>,
    step: string,
    signal: AbortSignal,
  ) => Promise<AttemptResult<BootMessage>>;
};

/** Boots in pods; the evidence comes out of their logs, by the digests that they told. */
export function bootInPod({ cluster, context, complete }: BootPorts) {
  /** What a boot pod put into its log, if it is all there. */
  async function readEvidence(
    { said, pod, job }: AttemptResult<BootMessage>,
    folder: string,
    signal: AbortSignal,
  ): Promise<BootOutcome> {
    const { namespace } = context().settings;
    const log = await cluster.readLog({ namespace, pod, container: "boot", lines: ALL_LINES }, signal);
    const files = [
      { name: BOOT_RESULT_FILE, digest: said.result, bytes: fileInLog(log, BOOT_RESULT_FILE) },
      { name: SERIAL_LOG_FILE, digest: `sha256:${said.serialLog}`, bytes: fileInLog(log, SERIAL_LOG_FILE) },
    ] as const;
    const lost = files.find(({ digest, bytes }) => digestOf(bytes) !== digest);
    if (lost !== undefined) {
      // the node lost the log, or cut it: the boot has to be seen again
      await cluster.deleteJob({ namespace, name: job }, signal);
      throw new ReleaseError("Evicted", `the log of pod ${pod} does not hold ${lost.name}`, "it is booted again");
    }
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    for (const { name, bytes } of files) await writeFile(join(folder, name), bytes);
    const result = BootResult.parse(JSON.parse(new TextDecoder().decode(files[0].bytes)));
    return { result, serialLog: said.serialLog };
  }

  return async (job: BootJob, signal: AbortSignal): Promise<BootOutcome> => {
    const { arch, variant, disk, rootDigest, backing, memoryMiB, timeoutSeconds } = job;
    const artifact = await artifactDigest(job.artifact);
    const boot = bootName({ variant, firmware: disk?.firmware ?? null, bus: disk?.bus ?? null });
    const wanted: AttemptedJob<BootMessage> = {
      ref: { step: "boot", arch, boot },
      message: BootMessage,
      policy: fixedPolicy(context().settings),
      manifest: (attempt, { deadlineSeconds }) => {
        const asked = { arch, variant, rootDigest, backing, disk, memoryMiB, timeoutSeconds };
        const request = { schemaVersion: 1, identity: randomUUID(), ...asked } as const;
        return bootJob(context(), { boot, request, artifact }, { attempt, deadlineSeconds });
      },
    };
    const done = await complete(wanted, `${arch} ${boot} boot`, signal);
    if (done.said.artifact !== artifact) {
      const message = `${arch} ${boot}: the pod booted ${done.said.artifact}, the release has ${artifact}`;
      throw new ReleaseError("VerificationFailed", message, "see who else writes to the run's volume");
    }
    return readEvidence(done, job.evidence, signal);
  };
}

import type { BuildManifest } from "../../builders/contract/build-manifest.ts";
import { digestOf, sha256Hex, stableJson } from "../../builders/contract/digest.ts";
import { PLAIN } from "../../builders/contract/variation.ts";
import type { BootJob, BuildJob, BuiltRun, JobRunner } from "../../controller/ports/job-runner.ts";

const DIGEST = digestOf("content");

/** A manifest of one kernel-initrd for amd64 that holds one file. */
export const demoManifest = (over: Partial<BuildManifest> = {}): BuildManifest => ({
  ...{ schema_version: 1, arch: "amd64", base_image_digest: null, apt_snapshot: "20261101T000000Z" },
  ...{ kernel_version: "6", git_sha: "0".repeat(40), variants: ["kernel-initrd"], oci_digest: null },
  artifacts: {
    "amd64/kernel-initrd/kernel": { sha256: sha256Hex("content"), size_bytes: 7, fsverity_digest: DIGEST },
  },
  fsverity_root_hash: digestOf("root"),
  composefs: { sha256: sha256Hex("composefs"), size_bytes: 9, fsverity_digest: DIGEST },
  dpkg_status: { sha256: sha256Hex("status"), size_bytes: 6, fsverity_digest: DIGEST },
  root_image: { sha256: sha256Hex("root"), size_bytes: 1, fsverity_digest: DIGEST },
  ...{ lock_digest: digestOf("lock"), toolchain_digest: digestOf("toolchain"), source_date_epoch: 0 },
  ...over,
});

/** Builds and boots nothing: it keeps what was asked for, and finished runs until they are discarded. */
export function fakeJobRunner(
  options: { readonly bootPasses?: (job: BootJob) => boolean; readonly texts?: Readonly<Record<string, string>> } = {},
) {
  const kept = new Map<number, BuiltRun>();
  const calls: string[] = [];
  const built = ({ run, request }: BuildJob): BuiltRun => {
    const manifest = demoManifest();
    return {
      ...{ key: digestOf(stableJson(request)), manifest, manifestDigest: digestOf(stableJson(manifest)) },
      record: {
        ...{ run, startedOn: `2026-11-25T00:00:0${run}.000Z`, finishedOn: `2026-11-25T00:01:0${run}.000Z` },
        ...{ variation: PLAIN, logs: [] },
      },
      output: `/work/run-${run}/out`,
    };
  };
  const runner: JobRunner = {
    finished: async (job) => {
      calls.push(`finished ${job.run}`);
      return kept.get(job.run) ?? null;
    },
    build: async (job) => {
      calls.push(`build ${job.run}`);
      kept.set(job.run, built(job));
      return built(job);
    },
    boot: async (job) => {
      calls.push(`boot ${job.variant}`);
      const passed = options.bootPasses?.(job) ?? true;
      return {
        result: {
          ...{ schemaVersion: 1, passed, reason: passed ? "booted" : "no agent", agentLine: null, durationSeconds: 1 },
          ...{ emulator: "QEMU", commandLine: [], consoleTail: [] },
        },
        serialLog: sha256Hex(job.evidence),
      };
    },
    readText: async (_, path) => options.texts?.[path] ?? "",
    discard: async (job) => {
      calls.push(`discard ${job.run}`);
      kept.delete(job.run);
    },
  };
  return { runner, calls, kept };
}

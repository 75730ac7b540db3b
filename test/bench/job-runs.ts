import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { BuildManifest } from "../../builders/contract/build-manifest.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { clusterJobs } from "../../controller/adapters/kubernetes/cluster-jobs.ts";
import { jobNews } from "../../controller/adapters/kubernetes/job-news.ts";
import { clusterJobRunner } from "../../controller/adapters/kubernetes/job-runner.ts";
import { sweepRelease } from "../../controller/adapters/kubernetes/sweep-release.ts";
import { systemClock } from "../../controller/adapters/system-clock.ts";
import type { ClusterView } from "../../controller/cluster-wiring.ts";
import { podArchives } from "../../controller/domain/jobs/fetch-job.ts";
import { jobSettings } from "../../controller/domain/jobs/job-settings.ts";
import { repositoryUri } from "../../controller/domain/release-facts.ts";
import { pause } from "../../controller/ports/clock.ts";
import type { BootArtifact } from "../../controller/ports/boot-artifact.ts";
import type { BenchRuns } from "./cluster-opener.ts";
import { BOOT_LOG, type jobContents } from "./job-contents.ts";
import { memoryPorts } from "./memory-ports.ts";

const IMAGE = `registry.example/imgrel/controller@sha256:${"1".repeat(64)}`;
const ACCESS = { allowPrivate: false, allowHTTP: false, ca: null } as const;

/** A folder of an artifact, as if its files had been looked at. */
function bootArtifact(folder: string, arch: Arch, root: BuildManifest["root_image"] | undefined): BootArtifact {
  const variant = folder.endsWith("/raw") ? "raw" : folder.endsWith("/qcow2") ? "qcow2" : "kernel-initrd";
  const rootDigest = root?.fsverity_digest ?? `sha256:${"0".repeat(64)}`;
  const found = { folder, arch, variant, rootDigest, backing: "embedded:/root.erofs" } as const;
  if (variant === "kernel-initrd") {
    return { ...found, medium: { kind: "kernel", kernel: "kernel", initramfs: "initramfs", commandLine: "quiet" } };
  }
  return { ...found, medium: { kind: "disk", file: "disk", format: variant, persistMiB: 512 } };
}

/**
 * The real runner of Jobs, whose Jobs, pods and claims are real objects. Its staging is in memory; nobody has the logs of
 * its pods: a question for one is counted as the request that it would be, and is not sent.
 * @param scratch absolute path of the folder of runs
 */
export const jobRuns =
  (contents: ReturnType<typeof jobContents>, scratch: string) =>
  ({ client, log, metrics, ended, term }: ClusterView): BenchRuns => {
    const clock = systemClock;
    const calls: typeof client = {
      ...client,
      podLog: async () => {
        metrics.apiCalled("get", "pods/log");
        return BOOT_LOG;
      },
    };
    const news = jobNews({ client, clock, random: Math.random, log, metrics, signal: ended });
    const cluster = clusterJobs(calls, news);
    const workOf: BenchRuns["workOf"] = ({ uid }) => join(scratch, "work", uid);
    return {
      boot: true,
      workOf,
      of: ({ release, from, source, class: { spec }, onJob }) => {
        const real = clusterJobRunner({
          ...{ cluster, runs: 2, perturbation: null, onJob, work: workOf(release), report: () => undefined },
          ...{ staging: contents.stagingOf(release.name), settings: jobSettings(spec, IMAGE) },
          fencing: () => term()?.fence ?? 0,
          retryAt: release.asked.retryAt,
          identity: {
            ...{ repository: repositoryUri(from.spec.url), release: release.name, specDigest: source.specDigest },
          },
          fetch: { archives: podArchives(spec.archives), repository: "registry.example/inputs", access: ACCESS },
          publish: { repository: "registry.example/staging", access: ACCESS },
          ...{ now: () => clock.now().getTime(), random: Math.random },
          pause: (milliseconds, stop) => pause(clock, milliseconds, stop),
        });
        const manifests = new Map<Arch, BuildManifest>();
        return {
          runner: {
            ...real,
            build: (job, signal) => {
              manifests.set(job.request.arch, contents.of(job).manifest);
              return real.build(job, signal);
            },
          },
          fetchInputs: (job, signal) => {
            contents.of(job);
            return real.fetchInputs(job, signal);
          },
          portsOf: (arch) => ({
            ...memoryPorts(arch, () => manifests.get(arch)),
            openBootArtifact: async (folder) => bootArtifact(folder, arch, manifests.get(arch)?.root_image),
          }),
        };
      },
      cleanUp: async (release, { spec }, signal) => {
        const { namespace } = jobSettings(spec, IMAGE);
        const staging = contents.stagingOf(release.name);
        await sweepRelease({ cluster, staging }, { namespace, release: release.name }, signal);
        contents.forget(release.name);
        await rm(workOf(release), { recursive: true, force: true });
      },
    };
  };

import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Perturbation } from "../builders/contract/perturbation.ts";
import type { Report } from "../builders/contract/progress.ts";
import { classKey, classRegistries, publishOf } from "./adapters/kubernetes/class-access.ts";
import { clusterJobs } from "./adapters/kubernetes/cluster-jobs.ts";
import { clusterNodes } from "./adapters/kubernetes/cluster-nodes.ts";
import { jobNews } from "./adapters/kubernetes/job-news.ts";
import { clusterJobRunner } from "./adapters/kubernetes/job-runner.ts";
import { releaseHold } from "./adapters/kubernetes/release-hold.ts";
import { suspendJobs } from "./adapters/kubernetes/suspend-jobs.ts";
import { sweepLeftOvers, sweepRelease } from "./adapters/kubernetes/sweep-release.ts";
import { openArtifact } from "./adapters/local/boot-artifact.ts";
import { localArchState } from "./adapters/local/arch-state.ts";
import { localComparator } from "./adapters/local/comparator.ts";
import { inspectPath } from "./adapters/local/inspect-artifact.ts";
import { imageAnnotations } from "./adapters/oci/image-annotations.ts";
import { openRegistry } from "./adapters/oci/registry.ts";
import { openStaging } from "./adapters/oci/staging.ts";
import { createBundleVerifier } from "./adapters/signing/bundle-verifier.ts";
import { keySigner } from "./adapters/signing/key-signer.ts";
import { systemClock } from "./adapters/system-clock.ts";
import type { ClusterView } from "./cluster-wiring.ts";
import type { ClusterClass, ClusterRelease } from "./domain/cluster-objects.ts";
import { ReleaseError } from "./domain/errors.ts";
import { pinnedParts, toolchainFault } from "./domain/image.ts";
import { podArchives } from "./domain/jobs/fetch-job.ts";
import { jobSettings } from "./domain/jobs/job-settings.ts";
import { repositoryUri } from "./domain/release-facts.ts";
import { checkTools } from "./domain/release-folder.ts";
import type { ArtifactStore } from "./ports/artifact-store.ts";
import type { BundleVerifier } from "./ports/bundle-verifier.ts";
import { pause } from "./ports/clock.ts";
import type { Signer } from "./ports/signer.ts";
import { assembleRelease } from "./reconciler/assemble-release.ts";
import { committedToolchains } from "./reconciler/cluster/committed-toolchains.ts";
import { heldRunner, type ReleaseRunner } from "./reconciler/cluster/held-runner.ts";
import type { OpenRelease, ReleaseOpener } from "./reconciler/cluster/release-opener.ts";
import { observeRecord } from "./reconciler/observe-record.ts";
import { planRelease } from "./reconciler/plan-release.ts";
import { readImgrel } from "./wiring.ts";

/** Boots of one release at a time: each is a Job, and the cluster has room or makes it wait. */
const PARALLEL_BOOTS = 8;

/** What the work on a release is done with. Benchmarks and fault tests replace parts of it. */
export type ClusterParts = {
  readonly stores: (
    of: ClusterClass,
    signal: AbortSignal,
  ) => Promise<{ readonly images: ArtifactStore; readonly inputs: ArtifactStore }>;
  readonly signing: (
    of: ClusterClass,
    signal: AbortSignal,
  ) => Promise<{ readonly signer: Signer; readonly verifier: BundleVerifier }>;
  /** @param work absolute path of the folder of the release's runs; `runs`: how many there are of each arch */
  readonly runner: (
    open: OpenRelease,
    of: { readonly work: string; readonly runs: number },
    signal: AbortSignal,
  ) => Promise<ReleaseRunner>;
  /** @throws ReleaseError ToolchainMismatch if the class's builder has not the toolchain that a lock names */
  readonly checkBuilder: (open: OpenRelease, signal: AbortSignal) => Promise<void>;
  readonly nodes: ReleaseOpener["nodes"];
  /** suspends what the runner made and has not ended; gives how many Jobs those are */
  readonly suspend: (release: ClusterRelease, of: ClusterClass, signal: AbortSignal) => Promise<number>;
  /** removes what the runner made in the cluster */
  readonly sweep: (release: ClusterRelease, of: ClusterClass, signal: AbortSignal) => Promise<void>;
  /** the same for releases that are no more; gives their names */
  readonly sweepOthers: ReleaseOpener["sweep"];
};

export type ClusterWorkOptions = {
  /** image that this process runs in, `<repository>@sha256:…`: fetch and publish pods get it too */
  readonly controllerImage: string;
  /** SLSA builder ID of this deployment, a URI */
  readonly builderId: string;
  /** absolute path of a folder for runs that are brought here */
  readonly scratch: string;
  /** a run that a test wants made wrong; null outside tests */
  readonly perturbation: Perturbation | null;
};

/** The parts as a cluster has them: Jobs, registries, and the Secrets that a class names. */
export function clusterParts(
  view: ClusterView,
  { controllerImage, perturbation }: Pick<ClusterWorkOptions, "controllerImage" | "perturbation">,
): ClusterParts {
  const { client, data, log, metrics, term, ended } = view;
  const [clock, random] = [systemClock, Math.random];
  const cluster = clusterJobs(client, jobNews({ client, clock, random, log, metrics, signal: ended }));
  /** @throws ReleaseError LeaseLost */
  const fencing = (): number => {
    const known = term();
    if (known?.isLeader() === true) return known.fence;
    throw new ReleaseError("LeaseLost", "this process leads no more", "nothing: the one that leads goes on");
  };
  const registryOf = async (of: ClusterClass, signal: AbortSignal) => {
    const registries = await classRegistries(of.spec, data, signal);
    const { repository, stagingRepository, inputsRepository } = publishOf(of.spec);
    const open = (at: string) => openRegistry({ ...registries.options, repository: at });
    const staging = openStaging({ ...registries.options, repository: stagingRepository });
    return { ...registries, open, staging, repository, stagingRepository, inputsRepository };
  };
  return {
    stores: async (of, signal) => {
      const { open, repository, inputsRepository } = await registryOf(of, signal);
      return { images: open(repository), inputs: open(inputsRepository) };
    },
    signing: async (of, signal) => {
      const { pem, where } = await classKey(of.spec, data, signal);
      const signer = keySigner(pem, where);
      const signers = [{ ...signer.identity, id: of.name }];
      return { signer, verifier: createBundleVerifier({ signers, now: () => new Date() }) };
    },
    runner: async ({ release, source, from, class: of, onJob }, { work, runs }, signal) => {
      const { access, staging, stagingRepository, inputsRepository } = await registryOf(of, signal);
      const report: Report = (event) => log.debug("progress", { release: release.name, event });
      const runner = clusterJobRunner({
        ...{ cluster, staging, work, runs, fencing, report, onJob, perturbation },
        retryAt: release.asked.retryAt,
        identity: {
          ...{ repository: repositoryUri(from.spec.url), release: release.name, specDigest: source.specDigest },
        },
        settings: jobSettings(of.spec, controllerImage),
        fetch: { archives: podArchives(of.spec.archives), repository: inputsRepository, access },
        publish: { repository: stagingRepository, access },
        ...{ now: () => clock.now().getTime(), random },
        pause: (milliseconds, stop) => pause(clock, milliseconds, stop),
      });
      return { runner, archiveInputs: (plan, _, stop) => runner.fetchInputs(plan, stop) };
    },
    checkBuilder: async ({ folder, class: of }, signal) => {
      const { open } = await registryOf(of, signal);
      const { builder } = jobSettings(of.spec, controllerImage).images;
      const { repository, digest } = pinnedParts(builder);
      const found = await imageAnnotations(open(repository), digest, signal);
      for (const lock of folder.locks.values()) {
        const faults = found.map((annotations) => toolchainFault(lock, annotations));
        const [fault] = faults;
        if (fault === undefined || faults.includes(undefined)) continue;
        throw new ReleaseError("ToolchainMismatch", fault.message, fault.remedy);
      }
    },
    nodes: clusterNodes(client, clock),
    suspend: async (release, of, signal) => {
      const { namespace } = jobSettings(of.spec, controllerImage);
      return suspendJobs(cluster, { namespace, release: release.name }, signal);
    },
    sweep: async (release, of, signal) => {
      const { staging } = await registryOf(of, signal);
      const { namespace } = jobSettings(of.spec, controllerImage);
      await sweepRelease({ cluster, staging }, { namespace, release: release.name }, signal);
    },
    sweepOthers: async (of, isKnown, signal) => {
      const { staging } = await registryOf(of, signal);
      const { namespace } = jobSettings(of.spec, controllerImage);
      return sweepLeftOvers({ cluster, staging }, { namespace, isKnown }, signal);
    },
  };
}

const noClass = ({ spec }: ClusterRelease, remedy: string): ReleaseError => {
  const message = `there is no DiskImageReleaseClass ${spec.className}, which says where its Jobs are`;
  return new ReleaseError("InputMissing", message, remedy);
};

/**
 * The work on releases of a cluster: the same core as the local process, with Jobs to build and boot, registries to
 * publish to, and a key of a Secret.
 */
export function clusterOpener(
  options: ClusterWorkOptions,
  partsOf: (view: ClusterView) => ClusterParts = (view) => clusterParts(view, options),
): (view: ClusterView) => ReleaseOpener {
  return (view) => {
    const parts = partsOf(view);
    const hold = releaseHold(view.client);
    const workOf = ({ uid }: Pick<ClusterRelease, "uid">) => join(options.scratch, "work", uid);
    const { repositories } = view;
    const letGo: ReleaseOpener["letGo"] = async (release, signal) => {
      await hold.letGo(release, signal);
      await rm(workOf(release), { recursive: true, force: true });
    };
    return {
      treeAt: async (from, commit, signal) => (await repositories.open(from, signal)).specsAt(commit),
      record: async ({ release, from, class: of }, signal) => {
        const { records } = await repositories.open(from, signal);
        const { verifier } = await parts.signing(of, signal);
        return observeRecord(records, release.name, () => verifier);
      },
      nodes: parts.nodes,
      work: async (open, conditions, signal) => {
        const { release, source, from, class: of, folder } = open;
        const { records, specsAt } = await repositories.open(from, signal);
        const tree = await specsAt(source.commit);
        if (tree === null) throw new RangeError(`${source.commit} was there a moment ago`);
        const toolchains = await committedToolchains(tree, folder);
        checkTools(folder, toolchains);
        await parts.checkBuilder(open, signal);
        const stores = await parts.stores(of, signal);
        const { signer, verifier } = await parts.signing(of, signal);
        const work = workOf(release);
        const plan = planRelease(
          { folder, commit: source.commit, toolchains, class: of.spec, source: from.spec },
          {
            ...{ keepRuns: false, parallelBoots: PARALLEL_BOOTS, conditions, boot: true, work },
            ...{ repository: stores.images.name, imgrel: await readImgrel(), invoker: "cluster" },
            builder: {
              id: options.builderId,
              version: { node: process.versions.node },
              image: options.controllerImage,
            },
            builderImage: jobSettings(of.spec, options.controllerImage).images.builder,
          },
        );
        const runs = plan.arches[0]?.plan.runs ?? of.spec.gate.minBuilds;
        const made = heldRunner(await parts.runner(open, { work, runs }, signal), (stop) => hold.hold(release, stop));
        const comparator = localComparator({ report: () => undefined });
        const assembled = await assembleRelease(
          {
            arch: async ({ folder: at }) => ({
              ...{ runner: made.runner, comparator, state: localArchState(at), openBootArtifact: openArtifact },
            }),
            archiveInputs: made.archiveInputs,
            ...{ ...stores, records, signer, verifier, verifierFor: () => verifier },
            inspect: async (path, stop) =>
              (await inspectPath(path, { files: false, signal: stop })).artifacts[0]?.content ?? null,
          },
          plan,
          signal,
        );
        return assembled.work;
      },
      suspend: async (release, of, signal) => {
        if (of === undefined) throw noClass(release, "suspend Jobs with its label by hand");
        return parts.suspend(release, of, signal);
      },
      cleanUp: async (release, of, signal) => {
        if (of === undefined) throw noClass(release, "remove Jobs and claims with its label by hand");
        await parts.sweep(release, of, signal);
        await letGo(release, signal);
      },
      sweep: parts.sweepOthers,
      letGo,
    };
  };
}

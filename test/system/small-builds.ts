import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, sha256Hex } from "../../builders/contract/digest.ts";
import { type Lock, lockDigest, serializeLock } from "../../builders/contract/lock.ts";
import type { ReleaseRunner } from "../../controller/reconciler/cluster/held-runner.ts";
import type { FileChange } from "../../controller/domain/spec-files.ts";
import { committedToolchainLock } from "../../controller/domain/toolchain-locks.ts";
import type { ArtifactStore } from "../../controller/ports/artifact-store.ts";
import type { BuildJob } from "../../controller/ports/job-runner.ts";
import { archiveInputs } from "../../controller/reconciler/inputs-work.ts";
import { demoFolder } from "../fakes/cluster-objects.ts";
import { fakeJobRunner } from "../fakes/job-runner.ts";
import { dpkgStatusOf, LOCK, lockedPackage, releaseLock, TOOLCHAIN } from "../fakes/locked-image.ts";
import { writeOutput } from "../fakes/staged-run.ts";

// Releases of one target, a kernel with its initramfs, whose files are a few bytes: everything that is said of them can be
// compared, signed and recorded as that of any other.

const KERNEL = lockedPackage("linux-image-6.12.48+deb13-amd64", "6.12.48-1", "target");
const SMALL_LOCK: Lock = releaseLock([...LOCK.packages, KERNEL]);

/** What people merge for releases of these names. */
export const smallReleases = (names: readonly string[]): FileChange[] => [
  { path: committedToolchainLock("amd64"), content: serializeLock(TOOLCHAIN) },
  ...names.flatMap((name) => [
    { path: `specs/${name}/release.yaml`, content: demoFolder(name).text },
    { path: `specs/${name}/lock.amd64.json`, content: serializeLock(SMALL_LOCK) },
  ]),
];

/** A file that is an x86 kernel by its header (boot-artifact.ts). */
function kernel(): Buffer {
  const image = Buffer.alloc(1024);
  image.write("HdrS", 0x202);
  return image;
}

/** Leaves what a run leaves, in the folder `output`. */
async function writeRun({ request, toolchain }: BuildJob, output: string) {
  const { release, lock } = request;
  const root = `root of ${release}`;
  const artifact = {
    kernel: kernel(),
    "initramfs.cpio.zst": `initramfs of ${release}`,
    cmdline: `quiet powernode.root.fsverity=${digestOf(root)}\n`,
  };
  const sums = Object.entries(artifact).map(([name, content]) => `${sha256Hex(content)}  ${name}\n`);
  const files = Object.entries({ ...artifact, SHA256SUMS: sums.join("") });
  return writeOutput(
    output,
    {
      ...Object.fromEntries(files.map(([name, content]) => [`amd64/kernel-initrd/${name}`, content])),
      ...{ "amd64/root.cfs": `composefs of ${release}`, "amd64/dpkg-status": dpkgStatusOf(lock) },
    },
    {
      ...{ kernel_version: request.kernelPackage, git_sha: request.gitSha, apt_snapshot: request.aptSnapshot },
      ...{ lock_digest: lockDigest(lock), toolchain_digest: lockDigest(toolchain) },
      root_image: { sha256: sha256Hex(root), size_bytes: root.length, fsverity_digest: digestOf(root) },
      source_date_epoch: request.sourceDateEpoch,
    },
  );
}

/**
 * Builds and boots a small release without a Job.
 * @param work absolute path of the folder of its runs
 * @param inputs where its inputs go, which is told about packages and asks for none
 */
export function smallBuilds(work: string, inputs: ArtifactStore): ReleaseRunner {
  const { runner, kept } = fakeJobRunner();
  return {
    runner: {
      ...runner,
      build: async (job, signal) => {
        const output = join(work, `run-${job.run}`);
        const { manifest, digest: manifestDigest } = await writeRun(job, output);
        const built = { ...(await runner.build(job, signal)), manifest, manifestDigest, output };
        kept.set(job.run, built);
        return built;
      },
      readText: ({ output }, path) => readFile(join(output, path), "utf8"),
    },
    archiveInputs: (_, archive, signal) =>
      archiveInputs(inputs, { pathOf: (sha256) => `/packages/${sha256}` }, archive, signal),
  };
}

import { setImmediate as nextTurn } from "node:timers/promises";
import { z } from "zod";
import { canonicalJson, type Digest, digestOf, sha256Hex, stableJson } from "../../builders/contract/digest.ts";
import type { BootResult } from "../../builders/contract/boot.ts";
import type { BuildManifest, ManifestArtifact } from "../../builders/contract/build-manifest.ts";
import { lockDigest } from "../../builders/contract/lock.ts";
import type { Arch, Variant } from "../../builders/contract/variant.ts";
import { PLAIN } from "../../builders/contract/variation.ts";
import { type ManifestLinks, readManifestLinks } from "../../controller/domain/manifest-links.ts";
import { byDigest } from "../../controller/domain/oci.ts";
import { Statement, STATEMENT_PAYLOAD } from "../../controller/domain/statement.ts";
import type { ArchState } from "../../controller/ports/arch-state.ts";
import type { ArtifactStore, StoredManifest } from "../../controller/ports/artifact-store.ts";
import type { BundleVerifier } from "../../controller/ports/bundle-verifier.ts";
import type { BuildJob, BuiltRun, JobRunner } from "../../controller/ports/job-runner.ts";
import type { Signer } from "../../controller/ports/signer.ts";
import type { ArchPorts } from "../../controller/reconciler/arch-work.ts";
import type { BenchLocks } from "./cluster-specs.ts";

// Registry, builds and signatures of the bench: in the controller's memory, and gone with the release that they are of.

const FILES: Partial<Record<Variant, string>> = { raw: "installer.img", qcow2: "cloud.qcow2", iso: "live.iso" };

/** dpkg's record of a root that holds a lock's packages. */
const dpkgStatus = (locks: BenchLocks, arch: Arch): string =>
  locks[arch].lock.packages
    .filter(({ role }) => role === "target")
    .map((one) =>
      [
        ...[`Package: ${one.name}`, "Status: install ok installed", "Maintainer: Some People <some@example.org>"],
        ...[`Architecture: ${one.arch}`, `Version: ${one.version}`, "Description: one line", ""],
      ].join("\n"),
    )
    .join("\n");

const described = (text: string): ManifestArtifact => ({
  ...{
    sha256: sha256Hex(text),
    size_bytes: Buffer.byteLength(text),
    fsverity_digest: digestOf(`fs-verity of ${text}`),
  },
});

/** What a build of this request leaves: texts by path below its output folder, made from their paths. */
function textsOf({ arch, variants, release }: BuildJob["request"], status: string): ReadonlyMap<string, string> {
  const paths = variants.flatMap((variant) =>
    ["SHA256SUMS", FILES[variant] ?? "kernel"].map((file) => `${arch}/${variant}/${file}`),
  );
  return new Map([
    ...paths.map((path): [string, string] => [path, `${release} ${path}`]),
    ...[[`${arch}/root.cfs`, `composefs of ${release} ${arch}`] as const, [`${arch}/dpkg-status`, status] as const],
  ]);
}

/** The manifest of a build that left these texts, and all of its files with itself. */
export function madeBy({ request, toolchain }: Omit<BuildJob, "run">, status: string) {
  const { arch, variants, release } = request;
  const texts = textsOf(request, status);
  const files = [...texts].map(([path, text]) => [path, described(text)] as const);
  const of = (path: string): ManifestArtifact => described(texts.get(path) ?? "");
  const manifest: BuildManifest = {
    ...{ schema_version: 1, arch, base_image_digest: null, apt_snapshot: request.aptSnapshot, oci_digest: null },
    ...{ kernel_version: request.kernelPackage, git_sha: request.gitSha, variants: [...variants] },
    artifacts: Object.fromEntries(files.filter(([path]) => path.split("/").length > 2)),
    fsverity_root_hash: digestOf(`root hash of ${release} ${arch}`),
    root_image: described(`root of ${release} ${arch}`),
    ...{ composefs: of(`${arch}/root.cfs`), dpkg_status: of(`${arch}/dpkg-status`) },
    ...{ lock_digest: lockDigest(request.lock), toolchain_digest: lockDigest(toolchain) },
    source_date_epoch: request.sourceDateEpoch,
  };
  return { manifest, texts: new Map([...texts, [`${arch}/build-manifest.json`, stableJson(manifest)]]) };
}

const compared = (path: string, { sha256, size_bytes, fsverity_digest }: ManifestArtifact) => ({
  ...{ path, sha256, sizeBytes: size_bytes, fsverityDigest: fsverity_digest },
});

/** Every file of a run, as a comparator hashes them. */
function filesOf(manifest: BuildManifest) {
  const { arch, artifacts, composefs, dpkg_status: status } = manifest;
  return [
    compared(`${arch}/build-manifest.json`, described(stableJson(manifest))),
    ...Object.entries(artifacts).map(([path, said]) => compared(path, said)),
    ...[compared(`${arch}/root.cfs`, composefs), compared(`${arch}/dpkg-status`, status)],
  ].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** What a boot comes to. */
export const BOOTED: BootResult = {
  ...{ schemaVersion: 1, passed: true, reason: "reached multi-user", agentLine: null, durationSeconds: 61.5 },
  ...{ emulator: "QEMU emulator version 10.0.2", consoleTail: [] },
  commandLine: ["qemu-system-x86_64", "-machine", "q35", "-m", "1536M"],
};

/** The status of each arch's root, made once. */
export function statusesOf(locks: BenchLocks): (arch: Arch) => string {
  const statuses = new Map<Arch, string>();
  return (arch) => {
    const known = statuses.get(arch) ?? dpkgStatus(locks, arch);
    statuses.set(arch, known);
    return known;
  };
}

/** All of an arch but its runner: runs are the same, and what was proven is kept here. `first`: manifest of run 1. */
export function memoryPorts(arch: Arch, first: () => BuildManifest | undefined): Omit<ArchPorts, "runner"> {
  let known: ArchState | undefined;
  return {
    comparator: {
      compare: async ({ release, version, runs }) => {
        const manifest = first();
        return {
          ...{ schemaVersion: 1, release, version, arch, runs: runs.map(({ run }) => run) },
          artifacts: manifest === undefined ? [] : filesOf(manifest),
          ...{ verdict: "Reproduced", faults: [], differences: [] },
        };
      },
    },
    state: {
      read: async (of) => known ?? { ...of, reproduced: null, boots: {} },
      write: async (state) => void (known = state),
    },
    openBootArtifact: async (folder) => ({
      ...{ folder, arch, variant: "kernel-initrd", rootDigest: digestOf("root"), backing: "embedded:/root.erofs" },
      medium: { kind: "kernel", kernel: "kernel", initramfs: "initramfs", commandLine: "quiet" },
    }),
  };
}

/** Builds, compares and boots one release without doing any of it. */
export function memoryRuns(locks: BenchLocks) {
  const statusOf = statusesOf(locks);
  const runs = new Map<string, BuiltRun>();
  const keyOf = ({ request, run }: BuildJob): string => `${request.arch} ${run}`;
  const runner: JobRunner = {
    finished: async (job) => runs.get(keyOf(job)) ?? null,
    build: async (job) => {
      const { arch, release } = job.request;
      const { manifest } = madeBy(job, statusOf(arch));
      const times = { startedOn: "2026-11-25T00:00:00.000Z", finishedOn: "2026-11-25T00:10:00.000Z" };
      const built: BuiltRun = {
        ...{ key: digestOf(`${release} ${arch}`), manifest, manifestDigest: digestOf(stableJson(manifest)) },
        output: `/runs/${arch}/${job.run}`,
        record: {
          ...{ run: job.run, ...times, variation: PLAIN, node: `node-${job.run}` },
          logs: [{ name: "build.log", sha256: sha256Hex(`log ${job.run}`) }],
        },
      };
      runs.set(keyOf(job), built);
      return built;
    },
    boot: async ({ evidence }) => ({ result: BOOTED, serialLog: sha256Hex(evidence) }),
    readText: async ({ manifest }) => statusOf(manifest.arch),
    discard: async (job) => void runs.delete(keyOf(job)),
  };
  return { runner, portsOf: (arch: Arch) => memoryPorts(arch, () => runs.get(`${arch} 1`)?.manifest) };
}

/** Lets the process do something else before an answer, as one that comes over a network does. */
const answered =
  <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
  async (...args: A): Promise<R> => {
    await nextTurn();
    return call(...args);
  };

/**
 * A repository that keeps manifests and tags; of blobs it knows nothing. It checks only that no tag is moved: what a
 * registry holds and does is none of a controller's memory and time, and nobody reads again what he pushed a moment ago.
 */
export function memoryRepository(name: string): ArtifactStore {
  const manifests = new Map<string, StoredManifest>();
  const tags = new Map<string, Digest>();
  /** what was pushed since somebody last asked for referrers */
  const unread = new Set<StoredManifest>();
  const links: ManifestLinks[] = [];
  const noBlob = async (): Promise<never> => {
    throw new RangeError(`${name} keeps no blobs`);
  };
  return {
    ...{ name, hasBlob: noBlob, readBlob: noBlob },
    pushBlob: answered(async () => undefined),
    pushManifest: answered(async (mediaType, bytes) => {
      const manifest = { digest: digestOf(bytes), mediaType, bytes };
      if (!manifests.has(manifest.digest)) unread.add(manifest);
      manifests.set(manifest.digest, manifest);
      return manifest.digest;
    }),
    readManifest: answered(async (digest) => manifests.get(digest) ?? null),
    resolveTag: answered(async (tag) => tags.get(tag) ?? null),
    tag: answered(async (tag, digest) => {
      const present = tags.get(tag) ?? digest;
      if (present !== digest) throw new RangeError(`${tag} is ${present} in ${name}, not ${digest}`);
      tags.set(tag, digest);
    }),
    referrers: answered(async (digest) => {
      for (const { mediaType, bytes } of unread) links.push(readManifestLinks(mediaType, bytes));
      unread.clear();
      return links.flatMap(({ subject, descriptor }) => (subject === digest ? [descriptor] : [])).toSorted(byDigest);
    }),
  };
}

const NAME = "bench";
const MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const Envelope = z.object({ dsseEnvelope: z.object({ payload: z.base64() }) });

/** Bundles of the form that a signer gives them, no two the same, as with ECDSA; their signatures are none. */
export function memorySigning(): { readonly signer: Signer; readonly verifier: BundleVerifier } {
  let count = 0;
  const base64 = (bytes: string, encoding: "utf8" | "hex" = "utf8") => Buffer.from(bytes, encoding).toString("base64");
  const signature = (): string => {
    count += 1;
    return base64(sha256Hex(`signature ${count}`), "hex");
  };
  const seal = (content: object): string =>
    JSON.stringify({ mediaType: MEDIA_TYPE, verificationMaterial: { publicKey: { hint: NAME } }, ...content });
  return {
    signer: {
      identity: { mode: "key", publicKey: "the bench's key", keySha256: sha256Hex(NAME) },
      signFile: async (_, sha256) => {
        const messageDigest = { algorithm: "SHA2_256", digest: base64(sha256, "hex") };
        return seal({ messageSignature: { messageDigest, signature: signature() } });
      },
      signStatement: async (statement) => {
        const payload = base64(canonicalJson(statement));
        const signatures = [{ sig: signature(), keyid: "" }];
        return seal({ dsseEnvelope: { payload, payloadType: STATEMENT_PAYLOAD, signatures } });
      },
    },
    verifier: {
      verifyStatement: async (bundle) => {
        const { payload } = Envelope.parse(JSON.parse(bundle)).dsseEnvelope;
        const statement = Statement.parse(JSON.parse(Buffer.from(payload, "base64").toString("utf8")));
        return { signer: NAME, statement };
      },
      verifyFile: async () => NAME,
      verifyBytes: async () => NAME,
    },
  };
}

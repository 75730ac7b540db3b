import type { BootRequest } from "../../builders/contract/boot.ts";
import type { BuildRequest } from "../../builders/contract/build-request.ts";
import { digestOf, sha256Hex } from "../../builders/contract/digest.ts";
import type { Lock } from "../../builders/contract/lock.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import type { BootPod } from "../../controller/domain/jobs/boot-job.ts";
import type { BuildPod } from "../../controller/domain/jobs/build-job.ts";
import type { FetchPod } from "../../controller/domain/jobs/fetch-job.ts";
import type { JobContext } from "../../controller/domain/jobs/job-frame.ts";
import type { JobSettings } from "../../controller/domain/jobs/job-settings.ts";
import type { PublishPod } from "../../controller/domain/jobs/publish-job.ts";

const imageOf = (name: string): string => `registry.example/imgrel/${name}@${digestOf(name)}`;

export const demoSettings = (over: Partial<JobSettings> = {}): JobSettings => ({
  ...{ namespace: "imgrel-build", serviceAccountName: "imgrel-builder" },
  images: { builder: imageOf("builder"), boot: imageOf("boot"), controller: imageOf("controller") },
  scratch: { size: "20Gi" },
  resources: { requests: { cpu: "500m", memory: "2Gi" }, limits: { memory: "4Gi", "ephemeral-storage": "20Gi" } },
  maxResources: { memory: "8Gi" },
  ...{ deadlineSeconds: 7200, retryBudgetSeconds: 86_400, nodeSelector: {}, spread: "Prefer", emulation: "Forbid" },
  ...over,
});

export const demoJobContext = (over: Partial<JobSettings> = {}): JobContext => ({
  identity: { repository: "https://git.example/specs", release: "noble-1", specDigest: digestOf("spec") },
  settings: demoSettings(over),
  retryAt: "",
  fencing: 7,
});

export const demoBuildPod = (over: Partial<BuildPod> = {}): BuildPod => ({
  ...{ arch: "amd64", run: 1, runs: 2, inputsImage: imageOf("inputs"), request: digestOf("request") },
  ...{ resources: demoSettings().resources, usedNodes: [], perturbation: null },
  ...over,
});

export const demoPublishPod = (over: Partial<PublishPod> = {}): PublishPod => ({
  ...{ arch: "amd64", run: 1, repository: "registry.example/powernode/staging", sourceDateEpoch: 1_761_955_200 },
  access: { allowPrivate: false, allowHTTP: false, ca: null },
  ...over,
});

const demoBootRequest: BootRequest = {
  ...{ schemaVersion: 1, arch: "amd64", variant: "raw", identity: "0b5b1c3e-0000-4000-8000-000000000001" },
  ...{ rootDigest: digestOf("root"), backing: `partition:${"0".repeat(36)}`, memoryMiB: 1536, timeoutSeconds: 900 },
  disk: { firmware: "uefi", bus: "virtio-blk", extraMiB: 64, persistMiB: 128 },
};

export const demoBootPod = (over: Partial<BootPod> = {}): BootPod => ({
  ...{ boot: "raw-uefi", request: demoBootRequest, artifact: digestOf("artifact") },
  ...over,
});

/** A release's lock of one package. */
export const demoJobLock = (arch: Arch): Lock => ({
  ...{ schemaVersion: 1, kind: "release", arch, requested: ["base-files"], toolchain: digestOf("toolchain") },
  suites: [
    {
      ...{ archive: "debian", suite: "trixie", components: ["main"], snapshot: null, inRelease: digestOf("InRelease") },
      ...{ date: "20261101T000000Z", keyring: "debian.gpg", rolling: false },
    },
  ],
  packages: [
    {
      ...{ name: "base-files", version: "13.8", arch, size: 5, sha256: sha256Hex("bytes") },
      ...{ path: `pool/main/b/base-files/base-files_13.8_${arch}.deb`, role: "target", suite: "trixie" },
    },
  ],
});

export const demoBuildRequest = (arch: Arch): BuildRequest => ({
  ...{
    schemaVersion: 1,
    release: "noble-1",
    version: "1",
    arch,
    variants: ["raw"],
    kernelPackage: "linux-image-6.8.0",
  },
  ...{ sourceDateEpoch: 1_761_955_200, gitSha: "0".repeat(40), baseImageDigest: null, aptSnapshot: "20261101T000000Z" },
  lock: demoJobLock(arch),
});

/** A toolchain's lock of one package. */
export const demoToolchainLock = (arch: Arch): Lock => ({
  ...demoJobLock(arch),
  ...{ kind: "toolchain", toolchain: null },
  packages: demoJobLock(arch).packages.map((locked) => ({ ...locked, role: "builder" })),
});

export const demoFetchPod = (arch: Arch): FetchPod => ({
  build: demoBuildRequest(arch),
  toolchain: demoToolchainLock(arch),
  archives: { debian: { sources: [{ kind: "mirror", url: "https://mirror.example/debian" }], keyring: "debian.gpg" } },
  repository: "registry.example/powernode/inputs",
  access: { allowPrivate: false, allowHTTP: false, ca: null },
});

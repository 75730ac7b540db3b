import type { Digest } from "../../builders/contract/digest.ts";
import { Lock, packageKey } from "../../builders/contract/lock.ts";
import type { Resolution, ResolveRequest, ToolchainPackages } from "../../builders/contract/package-request.ts";
import { ROOT_PACKAGES } from "../../builders/contract/root-packages.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { ReleaseError } from "./errors.ts";
import { componentsOf, type ReleaseSpec } from "./release.ts";

/**
 * What the root of a release must contain for one architecture: the minimal bootable root, the pinned kernel and the
 * spec's own packages.
 * @throws ReleaseError SpecInvalid if the spec names no kernel for `arch`
 */
export function releaseRequest(spec: ReleaseSpec, arch: Arch): ResolveRequest {
  const { distribution, kernelPackage, packages = [] } = spec.inputs;
  const kernel = kernelPackage[arch];
  if (kernel === undefined) {
    throw new ReleaseError(
      "SpecInvalid",
      `spec.inputs.kernelPackage names no kernel for ${arch}`,
      `add ${arch} to spec.inputs.kernelPackage, or ask for an architecture that it has`,
    );
  }
  return {
    archive: distribution.archive,
    suite: distribution.suite,
    components: componentsOf(spec),
    snapshot: distribution.snapshot ?? null,
    arch,
    packages: [...new Set([...Object.keys(ROOT_PACKAGES), kernel, ...packages])].toSorted(),
    rolling: [],
    role: "target",
  };
}

/** What the toolchain of one architecture must contain (builders/toolchain/packages.json). */
export const toolchainRequest = (wanted: ToolchainPackages, arch: Arch): ResolveRequest => ({
  archive: wanted.archive,
  suite: wanted.suite,
  components: wanted.components,
  snapshot: null,
  arch,
  packages: [...Object.keys(wanted.packages), ...Object.keys(wanted.archPackages[arch] ?? {})].toSorted(),
  rolling: wanted.rolling,
  role: "builder",
});

/**
 * The lock that a resolution amounts to; it says nothing of where the packages were found. `toolchain` is the digest
 * of the toolchain's lock, null for that lock itself.
 * @throws ZodError if the resolution is no lock, for instance with a package twice
 */
export const composeLock = (request: ResolveRequest, resolution: Resolution, toolchain: Digest | null): Lock =>
  Lock.parse({
    schemaVersion: 1,
    kind: toolchain === null ? "toolchain" : "release",
    arch: request.arch,
    requested: [...new Set([...request.packages, ...request.rolling.map((entry) => entry.name)])].toSorted(),
    suites: resolution.suites,
    toolchain,
    packages: resolution.packages.toSorted((a, b) => (packageKey(a) < packageKey(b) ? -1 : 1)),
  } satisfies Lock);

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Lock, lockDigest, parseLock, serializeLock } from "../../builders/contract/lock.ts";
import { ARCHES, type Arch, type Variant } from "../../builders/contract/variant.ts";
import { bootPlan } from "../../controller/domain/boot-plan.ts";
import type { FileChange } from "../../controller/domain/spec-files.ts";
import { PROJECT } from "../imgrel.ts";

const VARIANTS: readonly Variant[] = ["kernel-initrd", "raw", "iso", "qcow2"];

/** Targets of one release: eight, or the six of them that this version boots. */
const targets = (booted: boolean) =>
  ARCHES.flatMap((arch) =>
    VARIANTS.filter((variant) => !booted || bootPlan([variant], arch).length > 0).map((variant) => ({ variant, arch })),
  );

/** The locks that every release of the bench has, by arch: as long as those of the demo release. */
export type BenchLocks = Readonly<Record<Arch, { readonly lock: Lock; readonly toolchain: Lock }>>;

/** The same packages for another arch. */
const forArch = (lock: Lock, arch: Arch): Lock => ({
  ...lock,
  arch,
  packages: lock.packages.map((one) => ({
    ...one,
    name: one.name.replaceAll("amd64", arch),
    arch: one.arch === "all" ? ("all" as const) : arch,
  })),
});

export async function benchLocks(): Promise<BenchLocks> {
  const read = async (path: string) => parseLock(await readFile(join(PROJECT, path), "utf8"));
  const [lock, toolchain] = [
    await read("specs/demo/lock.amd64.json"),
    await read("builders/toolchain/lock.amd64.json"),
  ];
  const of = (arch: Arch) => {
    const tools = forArch(toolchain, arch);
    return {
      lock: parseLock(serializeLock({ ...forArch(lock, arch), toolchain: lockDigest(tools) })),
      toolchain: tools,
    };
  };
  return { amd64: of("amd64"), arm64: of("arm64") };
}

const releaseText = (name: string, booted: boolean): string => `apiVersion: releases.powernode.io/v1alpha1
kind: DiskImageRelease
metadata:
  name: ${name}
spec:
  version: "2026.11.23-1"
  className: local
  inputs:
    distribution:
      archive: debian
      suite: trixie
      components: [main]
      snapshot: "20261123T193000Z"
    kernelPackage:
      amd64: linux-image-6.12.117+deb13-amd64
      arm64: linux-image-6.12.117+deb13-arm64
    sourceDateEpoch: 1795392000
  targets:
${targets(booted)
  .map(({ variant, arch }) => `    - variant: ${variant}\n      arch: ${arch}\n`)
  .join("")}  builds: 2
`;

/** Files of releases of these names, as people merge them. */
export const specFiles = (names: readonly string[], locks: BenchLocks, booted: boolean): FileChange[] =>
  names.flatMap((name) => [
    { path: `specs/${name}/release.yaml`, content: releaseText(name, booted) },
    ...ARCHES.map((arch) => ({ path: `specs/${name}/lock.${arch}.json`, content: serializeLock(locks[arch].lock) })),
  ]);

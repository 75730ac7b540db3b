import { lockDigest } from "../../builders/contract/lock.ts";
import { recordInvalid } from "./record-invalid.ts";
import { RECORD_FILES } from "./record-files.ts";
import type { RecordManifest } from "./record-manifest.ts";
import { archesOf, variantsFor } from "./release.ts";
import { type ReleaseFolder, releaseDigest } from "./release-folder.ts";

/**
 * Checks a record against the spec and locks that stand at its commit: the same content, the same version, the locks that
 * it names, and exactly the targets that the spec declares (trust.md 2.3, steps 4 and 5).
 * @throws ReleaseError RecordInvalid
 */
export function checkSpec({ release, arches, targets }: RecordManifest, folder: ReleaseFolder): void {
  const wrong = (field: string, why: string) => recordInvalid(RECORD_FILES.manifest, field, why);
  const { spec } = folder.release;
  if (releaseDigest(folder) !== release.specDigest) throw wrong("release.specDigest", "is not that of the spec");
  if (spec.version !== release.version) throw wrong("release.version", `is not the spec's ${spec.version}`);
  const { sourceDateEpoch } = spec.inputs;
  if (sourceDateEpoch !== release.sourceDateEpoch) throw wrong("release.sourceDateEpoch", "is not the spec's");
  for (const arch of archesOf(spec)) {
    const lock = folder.locks.get(arch);
    if (lock === undefined) throw wrong(`arches.${arch}`, "has no lock at the spec's commit");
    if (arches[arch]?.lock !== lockDigest(lock)) throw wrong(`arches.${arch}.lock`, "is not the lock in git");
    if (arches[arch]?.toolchainLock !== lock.toolchain)
      throw wrong(`arches.${arch}.toolchainLock`, "is not the lock's");
  }
  const declared = archesOf(spec).flatMap((arch) => variantsFor(spec, arch).map((variant) => `${arch}/${variant}`));
  const missing = declared.find((target) => targets[target] === undefined);
  if (missing !== undefined) throw wrong("targets", `${missing} of the spec is missing`);
  const extra = Object.keys(targets).find((target) => !declared.includes(target));
  if (extra !== undefined) throw wrong("targets", `${extra} is not in the spec`);
}

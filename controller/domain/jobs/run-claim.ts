import type { Arch } from "../../../builders/contract/variant.ts";
import type { JobContext } from "./job-frame.ts";
import type { ClaimManifest } from "./kubernetes-objects.ts";
import { claimLabels } from "./object-labels.ts";
import { claimName } from "./object-names.ts";

/** The claim of one run's volume: its build writes it, its publish Job and the boots of run 1 read it. */
export function runClaim(
  { identity, settings }: Pick<JobContext, "identity" | "settings">,
  arch: Arch,
  run: number,
): ClaimManifest {
  const { storageClassName, size } = settings.scratch;
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {
      name: claimName(identity, arch, run),
      namespace: settings.namespace,
      labels: claimLabels(identity.release, arch, run),
    },
    spec: {
      accessModes: ["ReadWriteOnce"],
      ...(storageClassName === undefined ? {} : { storageClassName }),
      resources: { requests: { storage: size } },
    },
  };
}

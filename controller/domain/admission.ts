import type { ClusterClass, ClusterRelease, ClusterSource } from "./cluster-objects.ts";
import type { DecidedCondition } from "./decide.ts";
import { CLUSTER_FIELDS } from "./class-build.ts";

/** A release that may be worked on, with the class and the source that say how. */
export type Admitted = {
  readonly release: ClusterRelease;
  readonly source: NonNullable<ClusterRelease["spec"]["source"]>;
  readonly from: ClusterSource;
  readonly class: ClusterClass;
};

export type Admission =
  | ({ readonly admitted: true } & Admitted)
  | { readonly admitted: false; readonly condition: DecidedCondition };

const refuse = (reason: string, message: string): Admission => ({
  admitted: false,
  condition: { type: "Admitted", reason, message },
});

/** Why no release of a class can be worked on in a cluster; null: it can. Nothing that it asks for is left out in silence. */
function lackOf({ build, publish, signing, notify }: ClusterClass["spec"]): string | null {
  const missing = [
    ...CLUSTER_FIELDS.filter((field) => build[field] === undefined).map((field) => `spec.build.${field}`),
    ...(publish === undefined ? ["spec.publish"] : []),
    ...(signing.mode === "key" && signing.keyRef === undefined ? ["spec.signing.keyRef"] : []),
  ];
  if (missing.length > 0) return `is for the local process: it lacks ${missing.join(", ")}`;
  const undone = [
    ...(signing.mode === "keyless" ? ["spec.signing.mode: keyless"] : []),
    ...(publish?.forge === undefined ? [] : ["spec.publish.forge"]),
    ...(notify === undefined ? [] : ["spec.notify"]),
  ];
  return undone.length === 0 ? null : `asks for ${undone.join(", ")}, which this version does not do`;
}

/**
 * Whether a release of the cluster may be worked on, as far as its class and its source say (release-api.md 1.1). That
 * its content is what git holds is looked at where git is read.
 */
export function admission(
  release: ClusterRelease,
  from: ClusterSource | undefined,
  ofClass: ClusterClass | undefined,
): Admission {
  const { className, source } = release.spec;
  if (release.source === null || source === null) {
    return refuse("NotFromGit", "it was made by hand: merge its spec into a repository that a source follows");
  }
  if (from === undefined) {
    return refuse("NotFromGit", `there is no DiskImageReleaseSource ${release.source}, which it says it comes from`);
  }
  if (ofClass === undefined) return refuse("ClassNotFound", `there is no DiskImageReleaseClass ${className}`);
  if (!from.spec.allowedClasses.includes(className)) {
    return refuse("ClassNotAllowed", `the source ${from.name} may not use the class ${className}`);
  }
  const lacks = lackOf(ofClass.spec);
  if (lacks !== null) return refuse("ClassNotAllowed", `the class ${className} ${lacks}`);
  return { admitted: true, release, source, from, class: ofClass };
}

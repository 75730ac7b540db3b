import type { Resource } from "./resource.ts";

const releaseKind = (plural: string, kind: string): Resource => ({
  ...{ group: "releases.powernode.io", version: "v1alpha1", plural, kind, namespaced: true },
});

export const RELEASES = releaseKind("diskimagereleases", "DiskImageRelease");
export const CLASSES = releaseKind("diskimagereleaseclasses", "DiskImageReleaseClass");
export const SOURCES = releaseKind("diskimagereleasesources", "DiskImageReleaseSource");

/** Who owns which fields (server-side apply): the source sync the spec, the controller status and finalizer. */
export const MANAGERS = {
  sync: "imgrel-source",
  status: "imgrel-controller",
  jobs: "imgrel-jobs",
} as const;

import type { ClusterClass, ClusterRelease, ClusterSource } from "./cluster-objects.ts";
import { sameContent } from "./same-content.ts";

/** An object before and after a change; undefined: it was not, or is no more. */
export type Changed<T> = { readonly before: T | undefined; readonly after: T | undefined };

/** How objects are known to queues: `<namespace>/<name>`. */
export const keyOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${namespace}/${name}`;

/**
 * Whether a release has to be looked at after a change. What the controller itself writes, the status, is no reason;
 * else each look would bring the next.
 */
export function isNewsOfRelease({ before, after }: Changed<ClusterRelease>): boolean {
  if (before === undefined || after === undefined) return true;
  const told = ({ uid, generation, deleted, source, asked, spec }: ClusterRelease) => ({
    ...{ uid, generation, deleted, source, asked, suspend: spec.suspend },
  });
  return !sameContent(told(before), told(after));
}

/** Whether work that is under way has to end: the release is gone, another one, or held. */
export const endsWork = ({ before, after }: Changed<ClusterRelease>): boolean =>
  after === undefined || after.deleted || after.spec.suspend || (before !== undefined && before.uid !== after.uid);

/** Whether a source has to be looked at after a change: not for its own status. */
export function isNewsOfSource({ before, after }: Changed<ClusterSource>): boolean {
  if (before === undefined || after === undefined) return true;
  const told = ({ uid, generation, deleted, reconcileAt }: ClusterSource) => ({
    uid,
    generation,
    deleted,
    reconcileAt,
  });
  return !sameContent(told(before), told(after));
}

/** Keys of the releases that a change of a class concerns. */
export const releasesOfClass = (
  { before, after }: Changed<ClusterClass>,
  releases: Iterable<ClusterRelease>,
): readonly string[] => {
  if (before !== undefined && after !== undefined && sameContent(before.spec, after.spec)) return [];
  const { namespace, name } = after ?? before ?? { namespace: "", name: "" };
  return [...releases].filter((one) => one.namespace === namespace && one.spec.className === name).map(keyOf);
};

/** Keys of the releases that a change of a source concerns. */
export const releasesOfSource = (
  { before, after }: Changed<ClusterSource>,
  releases: Iterable<ClusterRelease>,
): readonly string[] => {
  if (before !== undefined && after !== undefined && sameContent(before.spec, after.spec)) return [];
  const { namespace, name } = after ?? before ?? { namespace: "", name: "" };
  return [...releases].filter((one) => one.namespace === namespace && one.source === name).map(keyOf);
};

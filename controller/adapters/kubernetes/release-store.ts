import type { ClusterRelease } from "../../domain/cluster-objects.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { LABELS } from "../../domain/release-object.ts";
import type { KnownRelease } from "../../domain/source-sync.ts";
import type { ObjectCache } from "../../ports/object-cache.ts";
import type { ReleaseStore } from "../../ports/release-store.ts";
import type { ApiClient } from "./api-client.ts";
import { MANAGERS, RELEASES } from "./release-kinds.ts";

const knownOf = ({ name, source, spec, orphaned }: ClusterRelease): KnownRelease => ({
  ...{ name, source, orphaned, version: spec.version },
  ...{ specDigest: spec.source?.specDigest ?? null, commit: spec.source?.commit ?? null },
  platforms: spec.targets.flatMap(({ platformName }) => (platformName === undefined ? [] : [platformName])),
});

/** The releases of a namespace: read from a cache, written by server-side apply. */
export function releaseStore(
  client: Pick<ApiClient, "apply" | "patch">,
  cache: Pick<ObjectCache<ClusterRelease>, "values">,
  namespace: string,
): ReleaseStore {
  return {
    known: async () => [...cache.values()].filter((one) => one.namespace === namespace).map(knownOf),
    apply: async (object, signal) => {
      const { metadata, spec } = object;
      try {
        await client.apply(RELEASES, { metadata, spec }, { manager: MANAGERS.sync }, signal);
      } catch (error) {
        if (!(error instanceof ReleaseError) || !["ObjectInvalid", "ObjectConflict"].includes(error.code)) throw error;
        const remedy = "see imgrel lint and kubectl explain diskimagerelease.spec; a release never changes";
        throw new ReleaseError("SpecInvalid", error.message, remedy, { cause: error });
      }
    },
    markOrphaned: async (name, orphaned, signal) => {
      const labels = { [LABELS.orphaned]: orphaned ? "true" : null };
      await client.patch({ resource: RELEASES, namespace, name }, { metadata: { labels } }, {}, signal).catch(gone);
    },
  };
}

/** What is gone needs no label. */
const gone = (error: unknown): void => {
  if (!(error instanceof ReleaseError && error.code === "NotFound")) throw error;
};

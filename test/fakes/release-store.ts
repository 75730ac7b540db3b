import type { ReleaseError } from "../../controller/domain/errors.ts";
import { LABELS, type ReleaseObject } from "../../controller/domain/release-object.ts";
import type { KnownRelease } from "../../controller/domain/source-sync.ts";
import type { ReleaseStore } from "../../controller/ports/release-store.ts";

const knownOf = ({ metadata, spec }: ReleaseObject): KnownRelease => ({
  ...{ name: metadata.name, source: metadata.labels[LABELS.source] ?? null, version: spec.version },
  ...{ specDigest: spec.source.specDigest, commit: spec.source.commit },
  platforms: spec.targets.flatMap(({ platformName }) => (platformName === undefined ? [] : [platformName])),
  orphaned: metadata.labels[LABELS.orphaned] === "true",
});

/** Releases in memory, and a look at what was written. */
export function fakeReleaseStore() {
  const objects = new Map<string, ReleaseObject>();
  const refused = new Map<string, ReleaseError>();
  let writes = 0;
  const store: ReleaseStore = {
    known: async () => [...objects.values()].map(knownOf),
    apply: async (object) => {
      const { name } = object.metadata;
      const fault = refused.get(name);
      if (fault !== undefined) throw fault;
      writes += 1;
      objects.set(name, object);
    },
    markOrphaned: async (name, orphaned) => {
      const object = objects.get(name);
      if (object === undefined) return;
      writes += 1;
      const labels = { ...object.metadata.labels, [LABELS.orphaned]: String(orphaned) };
      objects.set(name, { ...object, metadata: { ...object.metadata, labels } });
    },
  };
  return {
    ...store,
    objects,
    writes: () => writes,
    /** from now on this object cannot be applied */
    refuse: (name: string, fault: ReleaseError) => void refused.set(name, fault),
    orphaned: () => [...objects.values()].map(knownOf).flatMap(({ name, orphaned }) => (orphaned ? [name] : [])),
  };
}

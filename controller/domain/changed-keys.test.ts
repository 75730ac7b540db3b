import { describe, expect, it } from "vitest";
import { clusterClass, clusterRelease, clusterSource } from "../../test/fakes/cluster-objects.ts";
import { endsWork, isNewsOfRelease, isNewsOfSource, releasesOfClass, releasesOfSource } from "./changed-keys.ts";

const release = clusterRelease();
const changed = <T>(before: T | undefined, after: T | undefined) => ({ before, after });

describe("a release", () => {
  it("is looked at when it is new, gone, or asked for", () => {
    expect(isNewsOfRelease(changed(undefined, release))).toBe(true);
    expect(isNewsOfRelease(changed(release, undefined))).toBe(true);
    for (const over of [
      { spec: { suspend: true } },
      { metadata: { annotations: { "releases.powernode.io/retryAt": "1" } } },
      { metadata: { deletionTimestamp: "2026-11-26T00:00:00Z" } },
      { metadata: { uid: "another" } },
    ]) {
      expect(isNewsOfRelease(changed(release, clusterRelease(over)))).toBe(true);
    }
  });
  it("is not looked at for its own status", () => {
    expect(isNewsOfRelease(changed(release, clusterRelease({ status: { phase: "Building" } })))).toBe(false);
  });
  it("is no longer worked on when it is gone, held, or another one", () => {
    expect(endsWork(changed(release, release))).toBe(false);
    expect(endsWork(changed(undefined, release))).toBe(false);
    expect(endsWork(changed(release, undefined))).toBe(true);
    expect(endsWork(changed(release, clusterRelease({ spec: { suspend: true } })))).toBe(true);
    expect(endsWork(changed(release, clusterRelease({ metadata: { uid: "another" } })))).toBe(true);
    expect(endsWork(changed(release, clusterRelease({ metadata: { deletionTimestamp: "now" } })))).toBe(true);
  });
});

describe("a source", () => {
  it("is looked at for its spec and when it is asked for, not for its own status", () => {
    const source = clusterSource();
    expect(isNewsOfSource(changed(undefined, source))).toBe(true);
    expect(isNewsOfSource(changed(source, { ...source, generation: 2 }))).toBe(true);
    expect(isNewsOfSource(changed(source, { ...source, reconcileAt: "now" }))).toBe(true);
    expect(isNewsOfSource(changed(source, { ...source, status: { observedGeneration: 1 } }))).toBe(false);
  });
});

describe("a class or a source that changed", () => {
  it("brings its releases, and no others", () => {
    const other = { ...release, name: "other", spec: { ...release.spec, className: "stable" }, source: "elsewhere" };
    const foreign = { ...release, namespace: "elsewhere" };
    const all = [release, other, foreign];
    expect(releasesOfClass(changed(undefined, clusterClass()), all)).toEqual(["imgrel-system/demo"]);
    expect(releasesOfClass(changed(clusterClass(), undefined), all)).toEqual(["imgrel-system/demo"]);
    expect(releasesOfSource(changed(undefined, clusterSource()), all)).toEqual(["imgrel-system/demo"]);
    expect(releasesOfSource(changed(clusterSource(), undefined), all)).toEqual(["imgrel-system/demo"]);
  });
  it("only by its metadata brings none", () => {
    const [one, source] = [clusterClass(), clusterSource()];
    expect(releasesOfClass(changed(one, { ...one, generation: 2 }), [release])).toEqual([]);
    expect(releasesOfSource(changed(source, { ...source, status: { observedGeneration: 1 } }), [release])).toEqual([]);
    const gated = clusterClass("local", { gate: { minBuilds: 3 } });
    expect(releasesOfClass(changed(one, gated), [release])).toEqual(["imgrel-system/demo"]);
  });
});

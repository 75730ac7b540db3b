import { describe, expect, it } from "vitest";
import { clusterSource, demoFolder } from "../../../test/fakes/cluster-objects.ts";
import { fakeReleaseStore } from "../../../test/fakes/release-store.ts";
import { fakeSpecRepository } from "../../../test/fakes/spec-repository.ts";
import type { ClusterSource } from "../../domain/cluster-objects.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { reconcileSource } from "./reconcile-source.ts";

const KEY = "imgrel-system/releases";
const SIGNAL = new AbortController().signal;

function world(first: ClusterSource | undefined = clusterSource("releases", { interval: "5m" })) {
  let source = first;
  let fault: ReleaseError | undefined;
  let writes = 0;
  const specs = fakeSpecRepository();
  const releases = fakeReleaseStore();
  const read = new Map();
  const look = () =>
    reconcileSource(
      {
        sources: { get: () => source },
        status: {
          write: async (of, status) => {
            writes += 1;
            source = { ...of, status };
          },
        },
        open: async () => {
          if (fault !== undefined) throw fault;
          const commits = { signatureOf: async () => ({ good: false, why: "it is not signed" }) as const };
          const facts = { name: "releases", namespace: "imgrel-system", path: "specs" };
          const followed = { ...facts, repository: "git", allowedClasses: ["local"], allowedSigners: null };
          return { specs, commits, releases, read, followed };
        },
        clock: { now: () => new Date("2026-11-26T00:00:00Z") },
        random: () => 0.5,
      },
      KEY,
      SIGNAL,
    );
  const merge = (name: string, content = demoFolder(name).text) =>
    specs.commit(async () => ({ changes: [{ path: `specs/${name}/release.yaml`, content }], message: name }));
  return {
    ...{ look, merge, releases, writes: () => writes },
    fail: (next: ReleaseError | undefined) => (fault = next),
    status: () => source?.status ?? {},
  };
}

describe("a source", () => {
  it("is looked at, and again after its interval", async () => {
    const { look, merge, releases, status, writes } = world();
    const { commit } = await merge("demo");
    await merge("bad", "no: release\n");
    expect(await look()).toEqual({ kind: "again", after: 315_000 });
    expect([...releases.objects.keys()]).toEqual(["demo"]);
    expect(status()).toMatchObject({
      errors: [{ path: "specs/bad/release.yaml" }],
      conditions: [{ type: "Ready", status: "True", reason: "SomeInvalid" }],
    });
    expect(status().lastSeenCommit).not.toBe(commit);
    await look();
    expect([writes(), releases.writes()]).toEqual([1, 1]); // nothing changed
  });
  it("that is suspended or gone is not read", async () => {
    const suspended = world(clusterSource("releases", { suspend: true }));
    await suspended.merge("demo");
    expect(await suspended.look()).toEqual({ kind: "done" });
    expect([suspended.releases.writes(), suspended.status().conditions?.[0]?.reason]).toEqual([0, "Suspended"]);
    const gone = world({ ...clusterSource(), deleted: true });
    expect([await gone.look(), gone.writes()]).toEqual([{ kind: "done" }, 0]);
  });
  it("that cannot be read says so, until it can", async () => {
    const { look, fail, status } = world();
    fail(new ReleaseError("RepositoryUnavailable", "the git server is away", "wait"));
    await expect(look()).rejects.toMatchObject({ kind: "transient" });
    expect(status().conditions).toMatchObject([
      { type: "Ready", status: "False", reason: "RepositoryUnavailable" },
      { type: "Reconciling", status: "True" },
    ]);
    fail(new ReleaseError("Unauthorized", "401", "mend the Secret"));
    expect(await look()).toEqual({ kind: "again", after: 300_000 }); // Secrets are not watched
    expect(status().conditions?.map(({ type }) => type)).toEqual(["Ready", "Stalled"]);
    fail(new ReleaseError("RepositoryUnusable", "it is no repository", "name another"));
    await expect(look()).rejects.toMatchObject({ kind: "permanent" });
    fail(undefined);
    await look();
    expect(status().conditions).toMatchObject([{ type: "Ready", status: "True" }]);
  });
});

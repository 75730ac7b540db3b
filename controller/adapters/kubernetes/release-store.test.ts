import { describe, expect, it } from "vitest";
import { clusterRelease, demoFolder } from "../../../test/fakes/cluster-objects.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { folderContent, releaseObject } from "../../domain/release-object.ts";
import type { ApiClient } from "./api-client.ts";
import { releaseStore } from "./release-store.ts";

const never = new AbortController().signal;
const NAMESPACE = "imgrel-system";
const answer = { metadata: { name: "demo", uid: "u", resourceVersion: "2" } };
const object = releaseObject(
  { name: "releases", namespace: NAMESPACE, repository: "https://git.example/releases.git", path: "specs" },
  folderContent(demoFolder()),
  "a".repeat(40),
);

function world(fault?: ReleaseError) {
  const sent: unknown[] = [];
  const take = async (what: unknown) => {
    sent.push(what);
    if (fault !== undefined) throw fault;
    return answer;
  };
  const client: Pick<ApiClient, "apply" | "patch"> = {
    apply: (_resource, draft, options) => take({ ...options, draft }),
    patch: ({ name }, patch) => take({ name, patch }),
  };
  const elsewhere = { ...clusterRelease(), namespace: "another" };
  const cache = { values: () => [clusterRelease(), elsewhere].values() };
  return { sent, store: releaseStore(client, cache, NAMESPACE) };
}

describe("releases of a namespace", () => {
  it("are known as the cache has them, those of other namespaces left out", async () => {
    const known = await world().store.known();
    expect(known).toMatchObject([{ name: "demo", source: "releases", commit: "a".repeat(40), platforms: [] }]);
  });
  it("are applied as the source sync's, never by force, without a status", async () => {
    const { sent, store } = world();
    await store.apply(object, never);
    expect(sent).toEqual([{ manager: "imgrel-source", draft: { metadata: object.metadata, spec: object.spec } }]);
  });
  it.each(["ObjectInvalid", "ObjectConflict"] as const)("that the server refuses are mistakes (%s)", async (code) => {
    const { store } = world(new ReleaseError(code, "spec is immutable", ""));
    await expect(store.apply(object, never)).rejects.toMatchObject({
      code: "SpecInvalid",
      message: "spec is immutable",
    });
  });
  it("are tried again where the server does not answer", async () => {
    const { store } = world(new ReleaseError("ClusterUnavailable", "no answer", ""));
    await expect(store.apply(object, never)).rejects.toMatchObject({ code: "ClusterUnavailable" });
  });
  it("are labelled as orphaned, and lose the label", async () => {
    const { sent, store } = world();
    await store.markOrphaned("demo", true, never);
    await store.markOrphaned("demo", false, never);
    const label = (value: string | null) => ({ metadata: { labels: { "releases.powernode.io/orphaned": value } } });
    expect(sent).toEqual([
      { name: "demo", patch: label("true") },
      { name: "demo", patch: label(null) },
    ]);
  });
  it("that are gone need no label; any other fault is told", async () => {
    await expect(
      world(new ReleaseError("NotFound", "gone", "")).store.markOrphaned("demo", true, never),
    ).resolves.toBeUndefined();
    await expect(
      world(new ReleaseError("Unauthorized", "no", "")).store.markOrphaned("demo", true, never),
    ).rejects.toMatchObject({ code: "Unauthorized" });
  });
});

import { describe, expect, it } from "vitest";
import { clusterClass, clusterRelease } from "../../../test/fakes/cluster-objects.ts";
import { COMMIT, DIGEST, forever, world, type World } from "../../../test/contracts/release-world.ts";
import { ReleaseError } from "../../domain/errors.ts";

describe("a release that no node can build", () => {
  const none = async () => [{ "kubernetes.io/arch": "arm64" }];

  it("is refused before anything else, and looked at again", async () => {
    const { look, shown, opened, reads, statuses, events } = world({ nodes: none });
    expect(await look()).toEqual({ kind: "again", after: 60_000 });
    const told = ["Ready=False NoNodeForArch", "Stalled=True NoNodeForArch", "Admitted=False NoNodeForArch"];
    expect(shown()).toEqual(told);
    expect([opened(), reads(), events]).toEqual([0, 0, ["Admitted NoNodeForArch"]]);
    const [status] = statuses;
    expect(status?.failure?.message).toMatch(/^no node can build for amd64: .* among 1 node$/);
    const again = world({ nodes: none, release: clusterRelease({ status: status ?? {} }) });
    expect(await again.look()).toEqual({ kind: "again", after: 60_000 });
    expect([again.statuses, again.events]).toEqual([[], []]); // nothing is new
  });
  it("is refused where there are too few for its runs", async () => {
    const spread = clusterClass("local", { gate: { spread: "Require" } });
    const { look, shown } = world({ class: spread });
    await look();
    expect(shown()).toContain("Admitted=False NotEnoughNodes");
  });
  it("goes on once there is one", async () => {
    const refused = world({ nodes: none });
    await refused.look();
    const { look, shown, events } = world({ release: clusterRelease({ status: refused.statuses.at(-1) ?? {} }) });
    expect(await look()).toEqual({ kind: "done" });
    expect(shown()).toEqual(expect.arrayContaining(["Ready=True Succeeded", "Admitted=True Accepted"]));
    expect(shown().join()).not.toMatch("Stalled");
    expect(events).toContain("Admitted Accepted");
  });
  it("takes no turn while it waits", async () => {
    const { look, turns } = world({ nodes: none });
    const end = await turns.releases.take("0", forever, () => undefined); // all there are
    expect(await look()).toEqual({ kind: "again", after: 60_000 });
    end();
    await expect(turns.releases.take("1", forever, () => undefined)).resolves.toBeTypeOf("function");
  });
  const admitted = {
    ...{ type: "Admitted", status: "True", reason: "Accepted", message: "it is", observedGeneration: 1 },
    lastTransitionTime: "2026-11-26T00:00:00Z",
  };
  it.each<[string, World]>([
    ["was begun", { release: clusterRelease({ metadata: { finalizers: ["releases.powernode.io/jobs"] } }) }],
    ["was admitted", { release: clusterRelease({ status: { conditions: [admitted] } }) }],
    ["is recorded", { record: { kind: "recorded", specDigest: DIGEST, version: "1", commit: COMMIT } }],
  ])("is not asked for nodes if it %s", async (_, given) => {
    const { look, asked, shown } = world({ ...given, nodes: none });
    expect(await look()).toEqual({ kind: "done" });
    expect([asked(), shown()]).toEqual([0, expect.arrayContaining(["Ready=True Succeeded"])]);
  });
  it("names the right that is missing to see nodes, and is looked at again", async () => {
    const { look, statuses, shown, opened } = world({
      nodes: async () => {
        throw new ReleaseError("Unauthorized", "list nodes: HTTP 403", "grant it");
      },
    });
    expect(await look()).toEqual({ kind: "again", after: 300_000 });
    expect(shown()).toContain("Admitted=False NoNodeForArch");
    expect([statuses.at(-1)?.failure?.message, opened()]).toEqual(["list nodes: HTTP 403 (grant it)", 0]);
  });
  it("is tried again when nobody answers about nodes", async () => {
    const { look, shown } = world({
      nodes: async () => {
        throw new ReleaseError("ClusterUnavailable", "list nodes: HTTP 503", "wait");
      },
    });
    await expect(look()).rejects.toMatchObject({ kind: "transient" });
    expect(shown()).toContain("Ready=False ProgressingWithRetry");
  });
});

import { describe, expect, it } from "vitest";
import { ReleaseError } from "../../domain/errors.ts";
import type { ApiClient } from "./api-client.ts";
import { releaseHold } from "./release-hold.ts";

const never = new AbortController().signal;
const release = { namespace: "imgrel-system", name: "demo", uid: "u" };

function world(fault?: ReleaseError) {
  const sent: unknown[] = [];
  const client: Pick<ApiClient, "apply"> = {
    apply: async (_resource, object, { manager }) => {
      sent.push([manager, object]);
      if (fault !== undefined) throw fault;
      return { metadata: { name: "demo", uid: "u", resourceVersion: "2" } };
    },
  };
  return { sent, hold: releaseHold(client) };
}

describe("what holds a release in a cluster", () => {
  it("is a finalizer of this very object, of a field manager of its own", async () => {
    const { sent, hold } = world();
    await hold.hold(release, never);
    expect(sent).toEqual([["imgrel-jobs", { metadata: { ...release, finalizers: ["releases.powernode.io/jobs"] } }]]);
  });
  it("is taken away without touching what others set", async () => {
    const { sent, hold } = world();
    await hold.letGo(release, never);
    expect(sent).toEqual([["imgrel-jobs", { metadata: { ...release, finalizers: [] } }]]);
  });
  it.each(["NotFound", "ObjectConflict"] as const)("needs not be taken from one that is gone (%s)", async (code) => {
    const { hold } = world(new ReleaseError(code, "gone", ""));
    await expect(hold.letGo(release, never)).resolves.toBeUndefined();
    await expect(hold.hold(release, never)).rejects.toMatchObject({ code });
  });
  it("stays where the API server does not answer", async () => {
    const { hold } = world(new ReleaseError("ClusterUnavailable", "no answer", ""));
    await expect(hold.letGo(release, never)).rejects.toMatchObject({ code: "ClusterUnavailable" });
  });
});

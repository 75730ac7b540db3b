import { describe, expect, it } from "vitest";
import { ReleaseError } from "../../domain/errors.ts";
import type { ApiClient } from "./api-client.ts";
import { RELEASES } from "./release-kinds.ts";
import { statusWriter } from "./status-writer.ts";

const never = new AbortController().signal;
const release = { namespace: "imgrel-system", name: "demo", uid: "u" };

function world(fault?: ReleaseError) {
  const sent: unknown[] = [];
  const client: Pick<ApiClient, "apply"> = {
    apply: async (_resource, object, options) => {
      sent.push([object, options]);
      if (fault !== undefined) throw fault;
      return { metadata: { name: "demo", uid: "u", resourceVersion: "2" } };
    },
  };
  return { sent, writer: statusWriter<{ phase: string }>(client, RELEASES) };
}

describe("a status", () => {
  it("is applied to this very object, as a whole", async () => {
    const { sent, writer } = world();
    await writer.write(release, { phase: "Building" }, never);
    const options = { manager: "imgrel-controller", force: true, subresource: "status" };
    expect(sent).toEqual([[{ metadata: release, status: { phase: "Building" } }, options]]);
  });
  it("of an object that is gone is nobody's loss", async () => {
    const { writer } = world(new ReleaseError("NotFound", "gone", ""));
    await expect(writer.write(release, { phase: "Building" }, never)).resolves.toBeUndefined();
  });
  it("that the server refuses is told", async () => {
    const { writer } = world(new ReleaseError("ObjectInvalid", "phase", ""));
    await expect(writer.write(release, { phase: "?" }, never)).rejects.toMatchObject({ code: "ObjectInvalid" });
  });
});

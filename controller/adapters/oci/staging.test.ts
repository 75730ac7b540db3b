import { afterEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../builders/contract/digest.ts";
import { type RegistryServerOptions, startRegistryServer } from "../../../test/fakes/registry-server.ts";
import { openStaging } from "./staging.ts";

const { signal } = new AbortController();
const PATH = "powernode/staging";
const DIGEST = digestOf("manifest");
const servers: AsyncDisposable[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

async function start(options: RegistryServerOptions = {}) {
  const calls: string[] = [];
  const server = await startRegistryServer({
    ...options,
    fault: (request, response, nth) => {
      calls.push(`${request.method} ${request.url}`);
      return options.fault?.(request, response, nth) ?? false;
    },
  });
  servers.push(server);
  const auths = { [server.host]: { username: "user", password: "secret" } };
  const store = openStaging({
    repository: `${server.host}/${PATH}`,
    network: { allowPrivate: true, allowHTTP: true },
    credentials: async () => JSON.stringify({ auths }),
    pace: { pauses: [1, 1] },
  });
  const { manifests } = server.repository(PATH);
  manifests.set(DIGEST, { mediaType: "application/vnd.oci.image.manifest.v1+json", bytes: Buffer.from("manifest") });
  return { store, manifests, calls };
}

/** Answers removals with this status. */
const answering = (status: number): RegistryServerOptions => ({
  fault: (request, response) => {
    if (request.method !== "DELETE") return false;
    response.writeHead(status).end(JSON.stringify({ errors: [{ code: "UNSUPPORTED", message: "off" }] }));
    return true;
  },
});

describe("a staging repository", () => {
  it("removes a manifest by digest, once", async () => {
    const { store, manifests, calls } = await start();
    expect(await store.remove(DIGEST, signal)).toBe(true);
    expect([...manifests.keys()]).toEqual([]);
    expect(calls).toContain(`DELETE /v2/${PATH}/manifests/${DIGEST}`);
    expect(await store.remove(DIGEST, signal)).toBe(true);
  });
  it("asks for the right to do so", async () => {
    const { store, manifests } = await start({ auth: { kind: "bearer", pair: "user:secret" } });
    expect(await store.remove(DIGEST, signal)).toBe(true);
    expect(manifests.size).toBe(0);
  });
  it("says so if the registry removes nothing", async () => {
    for (const status of [400, 405])
      expect(await (await start(answering(status))).store.remove(DIGEST, signal)).toBe(false);
  });
  it("throws what no retry changes, and what one may", async () => {
    await expect((await start(answering(403))).store.remove(DIGEST, signal)).rejects.toMatchObject({
      code: "Unauthorized",
    });
    await expect((await start(answering(503))).store.remove(DIGEST, signal)).rejects.toMatchObject({
      code: "RegistryUnavailable",
    });
    await expect((await start()).store.remove("sha256:x", signal)).rejects.toMatchObject({ code: "Usage" });
  });
});

import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../builders/contract/digest.ts";
import { startFileServer } from "../../../test/fakes/file-server.ts";
import { type RegistryServerOptions, startRegistryServer } from "../../../test/fakes/registry-server.ts";
import { bundleReferrer, encodeArtifact } from "../../domain/artifact-manifest.ts";
import { EMPTY_CONFIG, EMPTY_DESCRIPTOR, OCI } from "../../domain/oci.ts";
import { openRegistry } from "./registry.ts";

// Manifests, tags, referrers and tokens of a registry that fails in every way that real ones do.
const signal = new AbortController().signal;
const PATH = "powernode/images";
const EPOCH = 1767225600;
const empty = (artifactType: string) => encodeArtifact({ artifactType, files: [], sourceDateEpoch: EPOCH });
const one = empty("application/vnd.example.one");
const two = empty("application/vnd.example.two");

const servers: AsyncDisposable[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

/** A registry that has the empty configuration; `fault` may answer a request, given how often its method and path came. */
async function start(
  fault: (request: IncomingMessage, response: ServerResponse, nth: number) => boolean = () => false,
  options: RegistryServerOptions = {},
) {
  const counts = new Map<string, number>();
  const server = await startRegistryServer({
    ...options,
    fault: (request, response) => {
      const key = `${request.method} ${request.url}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      return fault(request, response, counts.get(key) ?? 0);
    },
  });
  servers.push(server);
  const repository = server.repository(PATH);
  repository.blobs.set(EMPTY_DESCRIPTOR.digest, Buffer.from(EMPTY_CONFIG));
  const auths = { [server.host]: { username: "user", password: "secret-of-ours" } };
  const store = openRegistry({
    repository: `${server.host}/${PATH}`,
    network: { allowPrivate: true, allowHTTP: true },
    credentials: async () => JSON.stringify({ auths }),
    pace: { pauses: [1, 1, 1] },
  });
  const has = (manifest: typeof one) =>
    repository.manifests.set(manifest.descriptor.digest, {
      mediaType: OCI.manifest,
      bytes: Buffer.from(manifest.bytes),
    });
  return { server, store, repository, has };
}

const mismatch = { code: "RegistryDigestMismatch", kind: "permanent" };

describe("a manifest", () => {
  it("that is not there right after it was pushed is looked for again", async () => {
    const { store } = await start((request, response, nth) => {
      const early = request.method === "GET" && request.url?.includes("/manifests/") === true && nth < 3;
      if (early) response.writeHead(404).end();
      return early;
    });
    expect(await store.pushManifest(OCI.manifest, one.bytes, signal)).toBe(one.descriptor.digest);
  });
  it("that never comes to be there is not reported as pushed", async () => {
    const { store } = await start((request, response) => {
      if (request.method === "GET") response.writeHead(404).end();
      return request.method === "GET";
    });
    const attempt = store.pushManifest(OCI.manifest, one.bytes, signal);
    await expect(attempt).rejects.toMatchObject({ code: "RegistryUnavailable", kind: "transient" });
  });
  it("that the registry took for another one is a mismatch", async () => {
    const { store } = await start((request, response) => {
      if (request.method !== "PUT") return false;
      request.resume().on("end", () => response.writeHead(201, { "docker-content-digest": digestOf("x") }).end());
      return true;
    });
    await expect(store.pushManifest(OCI.manifest, one.bytes, signal)).rejects.toMatchObject(mismatch);
  });
  it("that the registry says arrived as something else is sent three times", async () => {
    let times = 0;
    const { store } = await start((request, response) => {
      if (request.method !== "PUT" || times === 2) return false;
      times += 1;
      const body = JSON.stringify({ errors: [{ code: "DIGEST_INVALID", message: "did not match" }] });
      request.resume().on("end", () => response.writeHead(400).end(body));
      return true;
    });
    expect(await store.pushManifest(OCI.manifest, one.bytes, signal)).toBe(one.descriptor.digest);
    times = -1;
    await expect(store.pushManifest(OCI.manifest, two.bytes, signal)).rejects.toMatchObject(mismatch);
    expect(times).toBe(2);
  });
  it("that is there is not sent again", async () => {
    const { store, server, has } = await start();
    has(one);
    await store.pushManifest(OCI.manifest, one.bytes, signal);
    expect(server.requests.filter((request) => request.startsWith("PUT"))).toEqual([]);
  });
  it("of other bytes is asked for three times", async () => {
    const { store, server } = await start((request, response) => {
      if (request.method === "GET") response.writeHead(200, { "content-type": OCI.manifest }).end(two.bytes);
      return request.method === "GET";
    });
    await expect(store.readManifest(one.descriptor.digest, signal)).rejects.toMatchObject(mismatch);
    expect(server.requests.filter((request) => request.includes(one.descriptor.digest))).toHaveLength(3);
  });
  it("that the registry says is another one is a mismatch", async () => {
    const { store } = await start((request, response) => {
      const headers = { "content-type": OCI.manifest, "docker-content-digest": two.descriptor.digest };
      if (request.method === "GET") response.writeHead(200, headers).end(one.bytes);
      return request.method === "GET";
    });
    await expect(store.resolveTag("x", signal)).rejects.toMatchObject(mismatch);
  });
  it("of more than 4 MiB is not read", async () => {
    const { store } = await start((request, response) => {
      if (request.method === "GET") response.writeHead(200).end(Buffer.alloc(4 * 1024 * 1024 + 1, 32));
      return request.method === "GET";
    });
    const refused = { code: "RegistryRefused", message: expect.stringContaining("longer than 4194304 bytes") };
    await expect(store.readManifest(one.descriptor.digest, signal)).rejects.toMatchObject(refused);
  });
  it("is not fetched from where it is redirected to", async () => {
    const other = await startFileServer((_, response) => void response.writeHead(200).end(one.bytes));
    servers.push(other);
    const { store } = await start((request, response) => {
      if (request.method === "GET") response.writeHead(307, { location: other.url.href }).end();
      return request.method === "GET";
    });
    const attempt = store.readManifest(one.descriptor.digest, signal);
    await expect(attempt).rejects.toMatchObject({ code: "RegistryRefused", kind: "permanent" });
    expect(other.requests).toEqual([]);
  });
});

describe("a tag", () => {
  it("that somebody else set first is a conflict, found by reading it back", async () => {
    const { store, repository, has } = await start((request, response) => {
      if (request.method !== "PUT") return false;
      repository.tags.set("r-1", two.descriptor.digest);
      request.resume().on("end", () => response.writeHead(201).end());
      return true;
    });
    has(one);
    has(two);
    const attempt = store.tag("r-1", one.descriptor.digest, signal);
    await expect(attempt).rejects.toMatchObject({ code: "TagConflict", kind: "permanent" });
  });
  it("that is not there right after it was set is looked for again", async () => {
    const { store, has } = await start((request, response, nth) => {
      const early = request.method === "GET" && request.url?.endsWith("/r-1") === true && nth < 3;
      if (early) response.writeHead(404).end();
      return early;
    });
    has(one);
    await store.tag("r-1", one.descriptor.digest, signal);
    expect(await store.resolveTag("r-1", signal)).toBe(one.descriptor.digest);
  });
});

describe("referrers by the tag schema", () => {
  const subject = one.descriptor;
  const referrer = (title: string) =>
    bundleReferrer(subject, { ...EMPTY_DESCRIPTOR, title, predicateType: "https://example.org" }, EPOCH);
  const tag = subject.digest.replace(":", "-");
  const url = `/v2/${PATH}/manifests/${tag}`;

  it("keep what others wrote there, word for word", async () => {
    const { store, repository, has } = await start();
    has(two);
    const foreign = { ...two.descriptor, theirs: { a: 1 } };
    const bytes = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: OCI.index, manifests: [foreign], theirs: 1 }),
    );
    repository.manifests.set(digestOf(bytes), { mediaType: OCI.index, bytes });
    repository.tags.set(tag, digestOf(bytes));
    const { descriptor } = referrer("a");
    await store.pushManifest(OCI.manifest, referrer("a").bytes, signal);
    const index = JSON.parse(repository.manifests.get(repository.tags.get(tag) ?? "")?.bytes.toString() ?? "");
    expect(index).toMatchObject({ theirs: 1, manifests: expect.arrayContaining([foreign]) });
    expect((await store.referrers(subject.digest, signal)).map(({ digest }) => digest)).toEqual(
      [descriptor.digest, two.descriptor.digest].toSorted(),
    );
  });
  it("are written again when another writer was faster", async () => {
    const theirs = referrer("theirs");
    const { store, repository, has } = await start((request, response, nth) => {
      if (request.method !== "PUT" || request.url !== url || nth > 2) return false;
      const manifests = [{ ...theirs.descriptor }];
      const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI.index, manifests }));
      repository.manifests.set(digestOf(bytes), { mediaType: OCI.index, bytes });
      repository.tags.set(tag, digestOf(bytes));
      request.resume().on("end", () => response.writeHead(201).end());
      return true;
    });
    has(theirs);
    await store.pushManifest(OCI.manifest, referrer("ours").bytes, signal);
    expect((await store.referrers(subject.digest, signal)).map(({ digest }) => digest)).toEqual(
      [theirs.descriptor.digest, referrer("ours").descriptor.digest].toSorted(),
    );
  });
  it("end in an error when another writer is always faster", async () => {
    const { store } = await start((request, response) => {
      if (request.method !== "PUT" || request.url !== url) return false;
      request.resume().on("end", () => response.writeHead(201).end());
      return true;
    });
    const attempt = store.pushManifest(OCI.manifest, referrer("ours").bytes, signal);
    await expect(attempt).rejects.toMatchObject({ code: "RegistryUnavailable", kind: "transient" });
  });
  it("are no list if something else has their tag", async () => {
    const { store, repository } = await start();
    repository.manifests.set(digestOf("[]"), { mediaType: OCI.manifest, bytes: Buffer.from("[]") });
    repository.tags.set(tag, digestOf("[]"));
    await expect(store.referrers(subject.digest, signal)).rejects.toMatchObject({ code: "RegistryRefused" });
  });
});

describe("referrers by the API", () => {
  const subject = digestOf("subject");
  it("must list what was pushed", async () => {
    const { store } = await start(
      (request, response) => {
        if (!request.url?.includes("/referrers/")) return false;
        response
          .writeHead(200, { "content-type": OCI.index })
          .end(JSON.stringify({ schemaVersion: 2, mediaType: OCI.index, manifests: [] }));
        return true;
      },
      { referrersPage: 10 },
    );
    const { bytes } = bundleReferrer(
      { ...EMPTY_DESCRIPTOR, digest: subject },
      { ...EMPTY_DESCRIPTOR, title: "a" },
      EPOCH,
    );
    const attempt = store.pushManifest(OCI.manifest, bytes, signal);
    await expect(attempt).rejects.toMatchObject({ code: "RegistryUnavailable", kind: "transient" });
  });
  it("are not followed to another host, nor for ever", async () => {
    const linked = async (link: string) => {
      const { store } = await start((request, response) => {
        if (!request.url?.includes("/referrers/")) return false;
        response
          .writeHead(200, { "content-type": OCI.index, link })
          .end(JSON.stringify({ schemaVersion: 2, manifests: [] }));
        return true;
      });
      return store.referrers(subject, signal);
    };
    const refused = { code: "RegistryRefused" };
    await expect(linked('<http://localhost:1/next>; rel="next"')).rejects.toMatchObject(refused);
    await expect(linked(`</v2/${PATH}/referrers/${subject}?n=2>; rel="next"`)).rejects.toMatchObject(refused);
    expect(await linked('</x>; rel="prev"')).toEqual([]);
  });
});

describe("a token", () => {
  const auth = { kind: "bearer", pair: "user:secret-of-ours" } as const;
  it("is bought once for each scope, and only after the registry asked", async () => {
    const { store, server } = await start(undefined, { auth });
    await store.pushManifest(OCI.manifest, one.bytes, signal);
    await store.tag("r-1", one.descriptor.digest, signal);
    const tokens = server.requests.filter((request) => request.startsWith("GET /token"));
    expect(tokens.map((request) => new URL(request.slice(4), server.url).searchParams.get("scope"))).toEqual([
      `repository:${PATH}:pull`,
      `repository:${PATH}:pull,push`,
    ]);
    expect(server.authorizations[0]).toBeUndefined();
  });
  it("that ran out is bought anew", async () => {
    let refuse = false;
    const { store, server } = await start(
      (request, response) => {
        const isToken = request.url?.startsWith("/token") === true;
        if (!refuse || isToken || request.headers.authorization === undefined) return false;
        refuse = false;
        const challenge = `Bearer realm="http://${request.headers.host}/token",service="a, b"`;
        response.writeHead(401, { "www-authenticate": challenge }).end();
        return true;
      },
      { auth },
    );
    expect(await store.resolveTag("none", signal)).toBeNull();
    refuse = true;
    expect(await store.resolveTag("none", signal)).toBeNull();
    expect(server.requests.filter((request) => request.startsWith("GET /token"))).toHaveLength(2);
  });
  it("that runs out before a blob is sent is bought anew, and the blob is sent again", async () => {
    let refuse = true;
    const { store, server, repository } = await start(
      (request, response) => {
        if (!refuse || request.method !== "PUT") return false;
        refuse = false;
        const challenge = `Bearer realm="http://${request.headers.host}/token",service="a, b"`;
        request.resume().on("end", () => response.writeHead(401, { "www-authenticate": challenge }).end());
        return true;
      },
      { auth },
    );
    const bytes = randomBytes(1000);
    const blob = { mediaType: "application/octet-stream", digest: digestOf(bytes), size: bytes.length };
    await store.pushBlob(blob, { kind: "bytes", bytes }, signal);
    expect(repository.blobs.has(blob.digest)).toBe(true);
    expect(server.requests.filter((request) => request.startsWith("PUT"))).toHaveLength(2);
  });
  it.each([
    [
      "is longer than 1 MiB",
      "RegistryRefused",
      (response: ServerResponse) => response.end(" ".repeat(1024 * 1024 + 1)),
    ],
    ["is no JSON", "RegistryRefused", (response: ServerResponse) => response.end("<html>")],
    ["has no token", "Unauthorized", (response: ServerResponse) => response.end("{}")],
    ["breaks a header", "Unauthorized", (response: ServerResponse) => response.end('{"token":"a\\r\\nb: c"}')],
    ["is a refusal", "Unauthorized", (response: ServerResponse) => response.writeHead(403).end("secret-of-ours")],
  ])("is not used when the answer %s", async (_, code, answer) => {
    const { store } = await start(
      (request, response) => {
        if (request.url?.startsWith("/token") !== true) return false;
        answer(response);
        return true;
      },
      { auth },
    );
    await expect(store.resolveTag("x", signal)).rejects.toMatchObject({ code });
  });
  it("and the password stay out of what is thrown", async () => {
    const { store } = await start(
      (request, response) => {
        if (request.headers.authorization?.startsWith("Bearer ") !== true) return false;
        response
          .writeHead(403)
          .end(JSON.stringify({ errors: [{ code: "DENIED", message: randomBytes(2000).toString("hex") }] }));
        return true;
      },
      { auth },
    );
    const error: unknown = await store.resolveTag("x", signal).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "Unauthorized" });
    const { message, remedy, cause, stack } = error as Error & { remedy: string };
    const text = JSON.stringify([message, remedy, cause, stack]);
    expect(text).not.toMatch(/secret-of-ours|Bearer|Basic/);
    expect(message.length).toBeLessThan(400);
  });
});

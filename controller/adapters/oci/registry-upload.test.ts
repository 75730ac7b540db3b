import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../builders/contract/digest.ts";
import { startFileServer } from "../../../test/fakes/file-server.ts";
import { type RegistryServerOptions, startRegistryServer } from "../../../test/fakes/registry-server.ts";
import type { Descriptor } from "../../domain/oci.ts";
import { openRegistry } from "./registry.ts";
import type { RegistryOptions } from "./registry-client.ts";

// Uploads to a registry that fails in every way that real ones do.
const signal = new AbortController().signal;
const PATH = "powernode/images";
const bytes = randomBytes(1_000_000);
const blob: Descriptor = { mediaType: "application/octet-stream", digest: digestOf(bytes), size: bytes.length };
const source = { kind: "bytes", bytes } as const;
const PUT = /^PUT .*\/blobs\/uploads\//;
const PATCH = /^PATCH /;
const POST = /^POST /;

const servers: AsyncDisposable[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

async function start(options: RegistryServerOptions = {}, more: Partial<RegistryOptions> = {}) {
  const server = await startRegistryServer(options);
  servers.push(server);
  const store = openRegistry({
    repository: `${server.host}/${PATH}`,
    network: { allowPrivate: true, allowHTTP: true },
    credentials: async () => JSON.stringify({ auths: { [server.host]: { username: "user", password: "pass" } } }),
    ...more,
    pace: { pauses: [1, 1, 1], ...more.pace },
  });
  const count = (pattern: RegExp) => server.requests.filter((request) => pattern.test(request)).length;
  const held = () => [...server.repository(PATH).blobs.keys()];
  return { server, store, count, held };
}

describe("an upload that breaks off", () => {
  it("goes on where the registry says it is", async () => {
    const { store, count, held } = await start({ resumes: true, cuts: [300_001, 200_000] });
    await store.pushBlob(blob, source, signal);
    expect(held()).toEqual([blob.digest]);
    expect([count(POST), count(PATCH), count(PUT)]).toEqual([1, 2, 2]);
  });
  it("starts over where the registry forgot it", async () => {
    const { store, count, held } = await start({ cuts: [300_001] });
    await store.pushBlob(blob, source, signal);
    expect(held()).toEqual([blob.digest]);
    expect([count(POST), count(PATCH), count(PUT)]).toEqual([2, 0, 2]);
  });
  it("starts over where the registry cannot say whether it has nothing or one byte", async () => {
    const { store, count } = await start({ resumes: true, cuts: [1] });
    await store.pushBlob(blob, source, signal);
    expect([count(POST), count(PATCH)]).toEqual([2, 0]);
  });
  it("starts over where the registry lost bytes that it had", async () => {
    const { server, store, held } = await start({
      resumes: true,
      cuts: [500_000],
      fault: (request, response) => {
        if (request.method !== "GET" || !request.url?.includes("/uploads/")) return false;
        response.writeHead(204, { range: "0-599999" }).end();
        return true;
      },
    });
    await store.pushBlob(blob, source, signal);
    expect(held()).toEqual([blob.digest]);
    expect(server.requests.some((request) => PATCH.test(request))).toBe(true);
  });
  it("is given up when it never gets through, and nothing of it counts", async () => {
    const { store, count, held } = await start({ cuts: [1000, 1000, 1000, 1000, 1000] });
    const unavailable = { code: "RegistryUnavailable", kind: "transient" };
    await expect(store.pushBlob(blob, source, signal)).rejects.toMatchObject(unavailable);
    expect(held()).toEqual([]);
    expect(count(PUT)).toBe(4);
  });
  it("is not sent again if it had arrived and only the answer was lost", async () => {
    const { server, store, count } = await start({
      fault: (request, _response, nth) => {
        if (request.method !== "PUT" || nth > 1) return false;
        void (async () => {
          for await (const _ of request); // all of it arrives
          server.repository(PATH).blobs.set(blob.digest, bytes);
          request.socket.destroy();
        })();
        return true;
      },
    });
    await store.pushBlob(blob, source, signal);
    expect(count(PUT)).toBe(1);
  });
});

describe("a registry that answers an upload with a failure", () => {
  const answering = (status: number, headers: Record<string, string>, times: number, body = "") =>
    start({
      fault: (request, response) => {
        if (request.method !== "POST" || times === 0) return false;
        times -= 1;
        response.writeHead(status, headers).end(body);
        return true;
      },
    });

  it.each([500, 502, 503, 408, 429])("is asked again after %i", async (status) => {
    const { store, held } = await answering(status, {}, 3);
    await store.pushBlob(blob, source, signal);
    expect(held()).toEqual([blob.digest]);
  });
  it("is asked four times at most", async () => {
    const { store, count } = await answering(
      500,
      {},
      99,
      JSON.stringify({ errors: [{ code: "UNKNOWN", message: "out\nof order" }] }),
    );
    await expect(store.pushBlob(blob, source, signal)).rejects.toMatchObject({
      code: "RegistryUnavailable",
      message: expect.stringContaining("HTTP 500: UNKNOWN out of order"),
    });
    expect(count(POST)).toBe(4);
  });
  it("is given the time that it asks for", async () => {
    const { store } = await answering(429, { "retry-after": "1" }, 1);
    const started = performance.now();
    await store.pushBlob(blob, source, signal);
    expect(performance.now() - started).toBeGreaterThan(990);
  });
  it("is not waited for if it asks for an hour", async () => {
    const { store, count } = await answering(429, { "retry-after": "3600" }, 9);
    await expect(store.pushBlob(blob, source, signal)).rejects.toMatchObject({
      ...{ code: "RegistryUnavailable", kind: "transient", retryAfter: 3_600_000 },
      remedy: "wait 3600 s, as it asks",
    });
    expect(count(POST)).toBe(1);
  });
  it.each([401, 403])("has the last word with %i", async (status) => {
    const { store, count } = await answering(status, { "www-authenticate": "Negotiate" }, 9);
    await expect(store.pushBlob(blob, source, signal)).rejects.toMatchObject({
      code: "Unauthorized",
      kind: "permanent",
    });
    expect(count(POST)).toBe(1);
  });
  it.each([400, 405, 413])("is not asked again after %i", async (status) => {
    const { store, count } = await answering(status, {}, 9);
    await expect(store.pushBlob(blob, source, signal)).rejects.toMatchObject({
      code: "RegistryRefused",
      kind: "permanent",
    });
    expect(count(POST)).toBe(1);
  });
});

describe("a registry that keeps something else", () => {
  it("is found out by its Docker-Content-Digest", async () => {
    const { store } = await start({
      fault: (request, response) => {
        if (request.method !== "PUT") return false;
        request.resume().on("end", () => response.writeHead(201, { "docker-content-digest": digestOf("x") }).end());
        return true;
      },
    });
    const mismatch = { code: "RegistryDigestMismatch", kind: "permanent" };
    await expect(store.pushBlob(blob, source, signal)).rejects.toMatchObject(mismatch);
  });
  it("is believed when it says that other bytes arrived", async () => {
    const { store, count } = await start({
      fault: (request, response) => {
        if (request.method !== "PUT") return false;
        const body = JSON.stringify({ errors: [{ code: "DIGEST_INVALID", message: "" }] });
        request.resume().on("end", () => response.writeHead(400).end(body));
        return true;
      },
    });
    await expect(store.pushBlob(blob, source, signal)).rejects.toMatchObject({ code: "RegistryDigestMismatch" });
    expect(count(PUT)).toBe(1);
  });
});

describe("an upload that is sent to another host", () => {
  async function elsewhere(more: Partial<RegistryOptions>) {
    const seen: (string | undefined)[] = [];
    const arrived: Buffer[] = [];
    const other = await startFileServer((request, response) => {
      seen.push(request.headers.authorization);
      request.on("data", (chunk: Buffer) => arrived.push(chunk));
      request.on("end", () => response.writeHead(201).end());
    });
    servers.push(other);
    const started = await start(
      {
        auth: { kind: "basic", pair: "user:pass" },
        fault: (request, response) => {
          if (request.method !== "POST" || request.headers.authorization === undefined) return false;
          response.writeHead(202, { location: new URL("/upload?signature=a%2Fb", other.url).href }).end();
          return true;
        },
      },
      more,
    );
    return { ...started, seen, arrived, other };
  }

  it("is refused", async () => {
    const { store, seen, server } = await elsewhere({});
    await expect(store.pushBlob(blob, source, signal)).rejects.toMatchObject({
      code: "RegistryRefused",
      message: expect.stringContaining("uploads should go to 127.0.0.1:"),
    });
    expect(server.authorizations).toContain(`Basic ${Buffer.from("user:pass").toString("base64")}`);
    expect(seen).toEqual([]);
  });
  it("goes there without credentials where that is allowed", async () => {
    const { store, seen, arrived, other } = await elsewhere({ uploadsElsewhere: true });
    await store.pushBlob(blob, source, signal);
    expect(seen).toEqual([undefined]);
    expect(digestOf(Buffer.concat(arrived))).toBe(blob.digest);
    expect(other.requests).toEqual([`PUT /upload?signature=a%2Fb&digest=${blob.digest.replace(":", "%3A")}`]);
  });
  it.each(["ftp://127.0.0.1/x", "http://[", undefined])("is refused at %j anyway", async (location) => {
    const { store } = await start(
      {
        fault: (request, response) => {
          if (request.method === "POST") response.writeHead(202, location === undefined ? {} : { location }).end();
          return request.method === "POST";
        },
      },
      { uploadsElsewhere: true },
    );
    await expect(store.pushBlob(blob, source, signal)).rejects.toMatchObject({ code: "RegistryRefused" });
  });
});

describe("an upload that hangs or is stopped", () => {
  it("is given up after a silence", async () => {
    const { store, count } = await start(
      { fault: (request) => request.method === "PUT" },
      { pace: { idle: 300, answer: 300 } },
    );
    await expect(store.pushBlob(blob, source, signal)).rejects.toMatchObject({
      code: "RegistryUnavailable",
      message: expect.stringContaining("no answer for 0.3 seconds"),
    });
    expect(count(PUT)).toBeGreaterThan(1);
  });
  it("ends at once when the signal fires, with its reason", async () => {
    const stop = new AbortController();
    const { store, count, held } = await start({
      fault: (request) => {
        if (request.method === "PUT") stop.abort(new Error("stopped by hand"));
        return request.method === "PUT";
      },
    });
    await expect(store.pushBlob(blob, source, stop.signal)).rejects.toThrow("stopped by hand");
    await sleep(20);
    expect([count(PUT), held()]).toEqual([1, []]);
  });
});

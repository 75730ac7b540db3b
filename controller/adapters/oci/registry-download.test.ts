import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../builders/contract/digest.ts";
import { sendCut, sendFile, startFileServer } from "../../../test/fakes/file-server.ts";
import { type RegistryServerOptions, startRegistryServer } from "../../../test/fakes/registry-server.ts";
import type { Descriptor } from "../../domain/oci.ts";
import { openRegistry } from "./registry.ts";
import type { RegistryOptions } from "./registry-client.ts";

// Downloads from a registry that fails in every way that real ones do.
const signal = new AbortController().signal;
const PATH = "powernode/images";
const bytes = randomBytes(1_000_000);
const blob: Descriptor = { mediaType: "application/octet-stream", digest: digestOf(bytes), size: bytes.length };

const servers: AsyncDisposable[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

/** A registry that has the blob; `answer` answers the nth GET for it. */
async function start(
  answer: (response: ServerResponse, nth: number, range: string | undefined) => boolean,
  options: RegistryServerOptions = {},
  more: Partial<RegistryOptions> = {},
) {
  let gets = 0;
  const server = await startRegistryServer({
    ...options,
    fault: (request, response) => {
      const isBlob = request.method === "GET" && request.url?.includes("/blobs/") === true;
      if (!isBlob || (options.auth !== undefined && request.headers.authorization === undefined)) return false;
      gets += 1;
      return answer(response, gets, request.headers.range);
    },
  });
  servers.push(server);
  server.repository(PATH).blobs.set(blob.digest, bytes);
  const store = openRegistry({
    repository: `${server.host}/${PATH}`,
    network: { allowPrivate: true, allowHTTP: true },
    credentials: async () => JSON.stringify({ auths: { [server.host]: { username: "user", password: "pass" } } }),
    ...more,
    pace: { pauses: [1, 1, 1], ...more.pace },
  });
  return { server, store, gets: () => gets, read: () => store.readBlob(blob, buffer, signal) };
}

describe("an answer that breaks off", () => {
  it("is continued from where it broke, and read once", async () => {
    const ranges: (string | undefined)[] = [];
    const { store } = await start((response, nth, range) => {
      ranges.push(range);
      if (nth === 1) sendCut(response, bytes, 400_000);
      return nth === 1;
    });
    let reads = 0;
    const read = async (chunks: AsyncIterable<Uint8Array>) => {
      reads += 1;
      return buffer(chunks);
    };
    expect((await store.readBlob(blob, read, signal)).equals(bytes)).toBe(true);
    expect([reads, ranges.length]).toEqual([1, 2]);
    expect(ranges[1]).toMatch(/^bytes=[1-9][0-9]*-$/);
  });
  it("is continued even if the registry sends all of it again", async () => {
    const { read } = await start((response, nth) => {
      if (nth === 1) sendCut(response, bytes, 400_000);
      else response.writeHead(200, { "content-length": bytes.length }).end(bytes);
      return true;
    });
    expect((await read()).equals(bytes)).toBe(true);
  });
  it("is not continued with another part than the one asked for", async () => {
    const { read } = await start((response, nth) => {
      if (nth === 1) sendCut(response, bytes, 400_000);
      else
        response
          .writeHead(206, { "content-range": `bytes 5-${bytes.length - 1}/${bytes.length}` })
          .end(bytes.subarray(5));
      return true;
    });
    await expect(read()).rejects.toMatchObject({ code: "RegistryRefused" });
  });
  it("is given up after four times", async () => {
    const { read, gets } = await start((response) => {
      sendCut(response, bytes, 1000);
      return true;
    });
    await expect(read()).rejects.toMatchObject({ code: "RegistryUnavailable", kind: "transient" });
    expect(gets()).toBe(4);
  });
  it("is given up after a silence", async () => {
    const { read, gets } = await start(
      (response) => {
        response.writeHead(200, { "content-length": bytes.length });
        response.write(bytes.subarray(0, 1000));
        return true;
      },
      {},
      { pace: { idle: 300 } },
    );
    await expect(read()).rejects.toMatchObject({
      code: "RegistryUnavailable",
      message: expect.stringContaining("no answer for 0.3 seconds"),
    });
    expect(gets()).toBeGreaterThan(1);
  });
  it("does not make a reader wait that takes its time", async () => {
    const { store } = await start(() => false, {}, { pace: { idle: 1000 } });
    const slowly = async (chunks: AsyncIterable<Uint8Array>) => {
      let size = 0;
      for await (const chunk of chunks) {
        if (size === 0) await new Promise((resume) => setTimeout(resume, 2500));
        size += chunk.byteLength;
      }
      return size;
    };
    expect(await store.readBlob(blob, slowly, signal)).toBe(bytes.length);
  });
});

describe("wrong bytes", () => {
  const altered = Buffer.from(bytes);
  altered[999_999] = (altered[999_999] ?? 0) ^ 1;
  it.each([
    ["another byte at the end", altered],
    ["a whole answer that is too short", bytes.subarray(0, 999_999)],
    ["one byte too many", Buffer.concat([bytes, Buffer.alloc(1)])],
    ["nothing", Buffer.alloc(0)],
  ])("are asked for three times: %s", async (_, wrong) => {
    const { store, gets } = await start((response) => {
      response.writeHead(200).end(wrong);
      return true;
    });
    let whole = 0;
    const read = async (chunks: AsyncIterable<Uint8Array>) => {
      let size = 0;
      for await (const chunk of chunks) size += chunk.byteLength;
      whole += 1;
      return size;
    };
    const mismatch = { code: "RegistryDigestMismatch", kind: "permanent" };
    await expect(store.readBlob(blob, read, signal)).rejects.toMatchObject(mismatch);
    expect([gets(), whole]).toEqual([3, 0]);
  });
  it("are forgotten once right ones come", async () => {
    const { read } = await start((response, nth) => {
      if (nth < 3) response.writeHead(200).end(altered);
      return nth < 3;
    });
    expect((await read()).equals(bytes)).toBe(true);
  });
  it("are never what a reader can return, even if it ignores the error", async () => {
    const { store } = await start((response) => {
      response.writeHead(200).end(altered);
      return true;
    });
    const careless = (chunks: AsyncIterable<Uint8Array>) => buffer(chunks).catch(() => "as if it were right");
    await expect(store.readBlob(blob, careless, signal)).rejects.toMatchObject({ code: "RegistryDigestMismatch" });
  });
  it("cannot be overlooked by a reader that takes only some", async () => {
    const { store } = await start(() => false);
    const hasty = async (chunks: AsyncIterable<Uint8Array>) => {
      for await (const _ of chunks) return "first";
    };
    await expect(store.readBlob(blob, hasty, signal)).rejects.toThrow("must take all");
  });
});

describe("a redirect of a blob", () => {
  it("is followed to another host, which gets no credentials", async () => {
    const seen: (string | undefined)[] = [];
    const other = await startFileServer((request, response) => {
      seen.push(request.headers.authorization);
      sendFile(request, response, bytes);
    });
    servers.push(other);
    const { read, server } = await start(
      (response) => {
        response.writeHead(307, { location: new URL("/elsewhere?signature=x", other.url).href }).end();
        return true;
      },
      { auth: { kind: "basic", pair: "user:pass" } },
    );
    expect((await read()).equals(bytes)).toBe(true);
    expect(server.authorizations).toContain(undefined);
    expect(seen).toEqual([undefined]);
  });
  it("is followed three times, not four", async () => {
    const hops = (count: number) =>
      start((response, nth) => {
        if (nth <= count) response.writeHead(302, { location: `/v2/${PATH}/blobs/${blob.digest}?hop=${nth}` }).end();
        return nth <= count;
      });
    expect((await (await hops(3)).read()).equals(bytes)).toBe(true);
    await expect((await hops(4)).read()).rejects.toMatchObject({ code: "RegistryRefused", kind: "permanent" });
  });
  it.each(["ftp://127.0.0.1/x", "file:///etc/passwd", "http://["])("to %s is refused", async (location) => {
    const { read } = await start((response) => {
      response.writeHead(301, { location }).end();
      return true;
    });
    await expect(read()).rejects.toMatchObject({ code: "RegistryRefused" });
  });
});

describe("what calls may reach", () => {
  const to = (repository: string, network: RegistryOptions["network"]) =>
    openRegistry({ repository, network, pace: { pauses: [1] } }).hasBlob(blob.digest, signal);
  it("is no private address unless that is allowed", async () => {
    const { server } = await start(() => false);
    const network = { allowPrivate: false, allowHTTP: true };
    for (const host of [server.host, server.host.replace("127.0.0.1", "localhost")]) {
      await expect(to(`${host}/${PATH}`, network)).rejects.toMatchObject({
        code: "RegistryRefused",
        remedy: expect.stringContaining("allowPrivate"),
      });
    }
    expect(server.requests).toEqual([]);
  });
  it("is no server without TLS unless that is allowed", async () => {
    const { server } = await start(() => false);
    await expect(to(`${server.host}/${PATH}`, { allowPrivate: true, allowHTTP: false })).rejects.toMatchObject({
      code: "RegistryRefused",
      remedy: expect.stringContaining("allowHTTP"),
    });
    expect(server.requests).toEqual([]);
  });
  it("may be down", async () => {
    const { server } = await start(() => false);
    await server[Symbol.asyncDispose]();
    servers.splice(0);
    const attempt = to(`${server.host}/${PATH}`, { allowPrivate: true, allowHTTP: true });
    await expect(attempt).rejects.toMatchObject({ code: "RegistryUnavailable", kind: "transient" });
  });
  it.each(["registry.example", "https://registry.example/a", "registry.example/a:tag", "registry.example/../a"])(
    "is no repository named %j",
    (repository) => {
      const open = () => openRegistry({ repository, network: { allowPrivate: true, allowHTTP: true } });
      expect(open).toThrow(expect.objectContaining({ code: "Usage" }));
    },
  );
});

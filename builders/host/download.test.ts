import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sendCut, sendFile, startFileServer } from "../../test/fakes/file-server.ts";
import { blobPath } from "./cache.ts";
import { type Download, download } from "./download.ts";
import { redirectTarget } from "./http-get.ts";

const content = randomBytes(300_000);
const sha256 = createHash("sha256").update(content).digest("hex");
const tampered = Buffer.from(content);
tampered[150_000] = (tampered[150_000] ?? 0) ^ 1;
const sha256Of = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");
/** No process has this number: the kernel's pid_max is at most 2^22. */
const DEAD_PID = 2 ** 22 + 1;

let cache = "";
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "imgrel-download-"));
});
afterEach(() => rm(cache, { recursive: true }));

const file = (...urls: URL[]): Download => ({
  label: "bash 5.2 amd64",
  sha256,
  size: content.length,
  blob: blobPath(cache, sha256),
  urls,
});
const options = { onBytes: () => undefined, signal: new AbortController().signal, pauses: [1, 1], idle: 5000 };
const kept = async (): Promise<string[]> => {
  const names = await readdir(join(cache, "blobs"), { recursive: true }).catch(() => []);
  return names.filter((name) => name.includes("/"));
};
const blobIsRight = async () => expect(sha256Of(await readFile(blobPath(cache, sha256)))).toBe(sha256);
const leave = async (pid: number, bytes: Uint8Array) => {
  const part = `${blobPath(cache, sha256)}.${pid}.part`;
  await mkdir(dirname(part), { recursive: true });
  await writeFile(part, bytes);
};

test("a file comes into the cache under its hash, and nothing else does", async () => {
  await using server = await startFileServer((request, response) => sendFile(request, response, content));
  let bytes = 0;
  const outcome = await download(file(server.url), { ...options, onBytes: (more) => (bytes += more) });
  expect(outcome).toEqual({ kind: "done", from: server.url });
  expect(await kept()).toEqual([`${sha256.slice(0, 2)}/${sha256}`]);
  expect(bytes).toBe(content.length);
  await blobIsRight();
});

describe("what breaks off is gone on with", () => {
  test("after a truncated body, from where it ended", async () => {
    await using server = await startFileServer((request, response, nth) =>
      nth === 1 ? sendCut(response, content, 100_000) : sendFile(request, response, content),
    );
    let bytes = 0;
    expect(await download(file(server.url), { ...options, onBytes: (more) => (bytes += more) })).toMatchObject({
      kind: "done",
    });
    expect(server.requests).toEqual(["GET /", "GET / bytes=100000-"]);
    expect(bytes).toBe(content.length);
    await blobIsRight();
  });

  test("from the start where the server knows no ranges", async () => {
    await using server = await startFileServer((_request, response, nth) =>
      nth === 1
        ? sendCut(response, content, 100_000)
        : response.writeHead(200, { "content-length": content.length }).end(content),
    );
    let bytes = 0;
    expect(await download(file(server.url), { ...options, onBytes: (more) => (bytes += more) })).toMatchObject({
      kind: "done",
    });
    expect(bytes).toBe(content.length);
    await blobIsRight();
  });

  test("where a server says no end of the body, a short one is truncated", async () => {
    await using server = await startFileServer((request, response, nth) => {
      if (nth > 1) return sendFile(request, response, content);
      response.useChunkedEncodingByDefault = false;
      response.writeHead(200, { connection: "close" });
      response.end(content.subarray(0, 1000));
    });
    expect(await download(file(server.url), options)).toMatchObject({ kind: "done" });
    expect(server.requests).toEqual(["GET /", "GET / bytes=1000-"]);
    await blobIsRight();
  });

  test("not with a range that was not asked for", async () => {
    await leave(DEAD_PID, content.subarray(0, 200_000));
    await using server = await startFileServer((_request, response) =>
      response.writeHead(206, { "content-range": `bytes 100-299999/300000` }).end(content.subarray(100)),
    );
    expect(await download(file(server.url), options)).toEqual({
      kind: "failed",
      failures: [{ url: server.url, kind: "refused", reason: "a range that was not asked for" }],
    });
  });

  test("by a later process", async () => {
    await leave(DEAD_PID, content.subarray(0, 200_000));
    await using server = await startFileServer((request, response) => sendFile(request, response, content));
    expect(await download(file(server.url), options)).toMatchObject({ kind: "done" });
    expect(server.requests).toEqual(["GET / bytes=200000-"]);
    expect(await kept()).toEqual([`${sha256.slice(0, 2)}/${sha256}`]);
    await blobIsRight();
  });

  test("but a running process keeps what it has", async () => {
    await leave(process.ppid, content.subarray(0, 200_000));
    await using server = await startFileServer((request, response) => sendFile(request, response, content));
    expect(await download(file(server.url), options)).toMatchObject({ kind: "done" });
    expect(server.requests).toEqual(["GET /"]);
    expect(await kept()).toContain(`${sha256.slice(0, 2)}/${sha256}.${process.ppid}.part`);
  });

  test("a complete leftover needs no server", async () => {
    await leave(DEAD_PID, content);
    await using server = await startFileServer((_request, response) => response.writeHead(500).end());
    expect(await download(file(server.url), options)).toMatchObject({ kind: "done" });
    expect(server.requests).toEqual([]);
    await blobIsRight();
  });

  test.each([
    ["damaged", () => tampered.subarray(0, 200_000)],
    ["complete but damaged", () => tampered],
    ["too long", () => Buffer.concat([content, content])],
  ])("a leftover that is %s is fetched afresh", async (_what, left) => {
    await leave(DEAD_PID, left());
    await using server = await startFileServer((request, response) => sendFile(request, response, content));
    expect(await download(file(server.url), options)).toMatchObject({ kind: "done" });
    expect(server.requests.at(-1)).toBe("GET /");
    await blobIsRight();
  });

  test("after an interruption the part stays", async () => {
    const stop = new AbortController();
    await using server = await startFileServer((request, response, nth) => {
      if (nth > 1) return sendFile(request, response, content);
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 100_000));
    });
    const onBytes = (bytes: number) => bytes > 0 && stop.abort(new Error("enough"));
    await expect(download(file(server.url), { ...options, onBytes, signal: stop.signal })).rejects.toThrow("enough");
    const left = (await kept())[0] ?? "";
    expect(left).toMatch(/\.part$/);
    expect(await download(file(server.url), options)).toMatchObject({ kind: "done" });
    expect(server.requests[1]).toMatch(/^GET \/ bytes=[1-9]/);
    await blobIsRight();
  });
});

describe("other bytes than locked", () => {
  test.each([
    ["a changed byte", tampered, sha256Of(tampered)],
    ["a shorter file", content.subarray(0, 1000), sha256Of(content.subarray(0, 1000))],
    ["a longer file", Buffer.concat([content, Buffer.of(1)]), sha256Of(Buffer.concat([content, Buffer.of(1)]))],
  ])("%s is an error with both hashes, and nothing stays", async (_what, sent, found) => {
    await using server = await startFileServer((request, response) => sendFile(request, response, sent));
    const error = await download(file(server.url, server.url), options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: { code: "InputDigestMismatch" } });
    const { message } = error as Error;
    expect(message).toContain("bash 5.2 amd64");
    expect(message).toContain(`${sha256} (${content.length} bytes)`);
    expect(message).toContain(`${found} (${sent.length} bytes)`);
    expect(await kept()).toEqual([]);
    expect(server.requests).toEqual(["GET /"]);
  });

  test("a body without end is not read to its end", async () => {
    const endless = Buffer.alloc(64 * 1024);
    let sent = 0;
    await using server = await startFileServer((_request, response) => {
      const more = () => {
        if (response.destroyed) return;
        sent += endless.length;
        response.write(endless, () => setImmediate(more));
      };
      more();
    });
    await expect(download(file(server.url), options)).rejects.toThrow(/the server sent more than [0-9]+ bytes/);
    expect(sent).toBeLessThan(32 * 1024 * 1024);
    expect(await kept()).toEqual([]);
  });

  test("an error page that a proxy sends with 200 is one too", async () => {
    await using server = await startFileServer((_request, response) => response.end("<html>log in</html>"));
    await expect(download(file(server.url), options)).rejects.toMatchObject({
      failure: { code: "InputDigestMismatch" },
    });
    expect(await kept()).toEqual([]);
  });
});

describe("sources", () => {
  test("are tried in order until one has the file", async () => {
    await using lacks = await startFileServer((_request, response) => response.writeHead(404).end());
    await using has = await startFileServer((request, response) => sendFile(request, response, content));
    await using spare = await startFileServer((request, response) => sendFile(request, response, content));
    expect(await download(file(lacks.url, has.url, spare.url), options)).toEqual({ kind: "done", from: has.url });
    expect(spare.requests).toEqual([]);
  });

  test("a file that all of them say they lack is gone, after one request each", async () => {
    await using first = await startFileServer((_request, response) => response.writeHead(404).end());
    await using second = await startFileServer((_request, response) => response.writeHead(410).end());
    expect(await download(file(first.url, second.url), options)).toMatchObject({
      kind: "failed",
      failures: [
        { url: first.url, kind: "gone" },
        { url: second.url, kind: "gone" },
      ],
    });
    expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
    expect(await kept()).toEqual([]);
  });

  test("each say for themselves why they don't have it", async () => {
    await using lacks = await startFileServer((_request, response) => response.writeHead(404).end());
    await using refuses = await startFileServer((_request, response) => response.writeHead(403).end());
    const silent = new URL("http://127.0.0.1:1/");
    expect(await download(file(lacks.url, refuses.url, silent), options)).toEqual({
      kind: "failed",
      failures: [
        { url: lacks.url, kind: "gone", reason: "it has no such file" },
        { url: refuses.url, kind: "refused", reason: "HTTP 403" },
        { url: silent, kind: "unreachable", reason: expect.stringContaining("ECONNREFUSED") as string },
      ],
    });
  });

  test.each([408, 429, 500, 503])("HTTP %i is tried three times", async (status) => {
    await using server = await startFileServer((request, response, nth) =>
      nth < 3 ? response.writeHead(status).end() : sendFile(request, response, content),
    );
    expect(await download(file(server.url), options)).toMatchObject({ kind: "done" });
    await using down = await startFileServer((_request, response) => response.writeHead(status).end());
    expect(await download(file(down.url), options)).toEqual({
      kind: "failed",
      failures: [{ url: down.url, kind: "busy", reason: `HTTP ${status}` }],
    });
    expect(down.requests.length).toBe(3);
  });

  test("one that falls silent is given up", async () => {
    await using server = await startFileServer((_request, response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 10));
    });
    expect(await download(file(server.url), { ...options, idle: 50 })).toEqual({
      kind: "failed",
      failures: [{ url: server.url, kind: "unreachable", reason: "no data for too long" }],
    });
    expect(server.requests.length).toBe(3);
  });
});

describe("redirects", () => {
  const hop = (count: number) => (path: string) => {
    const at = Number(path.slice(1) || "0");
    return at < count ? `/${at + 1}` : undefined;
  };

  test.each([
    [3, "done"],
    [4, "failed"],
  ])("%i in a row: %s", async (count, kind) => {
    await using server = await startFileServer((request, response) => {
      const location = hop(count)(request.url ?? "");
      if (location === undefined) sendFile(request, response, content);
      else response.writeHead(302, { location }).end();
    });
    expect(await download(file(server.url), options)).toMatchObject({ kind });
  });

  test("never lead from https to http, nor away from both", () => {
    const from = new URL("https://a.test/x");
    expect(redirectTarget(from, "http://a.test/y")).toBe("a redirect from https to http");
    expect(redirectTarget(from, "file:///etc/passwd")).toBe("a redirect to file:");
    expect(redirectTarget(from, undefined)).toBe("a redirect without a usable Location");
    expect(redirectTarget(from, "/y")).toEqual(new URL("https://a.test/y"));
    expect(redirectTarget(new URL("http://a.test/x"), "https://b.test/")).toEqual(new URL("https://b.test/"));
  });

  test("do not carry a password to another server", async () => {
    const seen: (string | undefined)[] = [];
    await using other = await startFileServer((request, response) => {
      seen.push(request.headers.authorization);
      sendFile(request, response, content);
    });
    await using server = await startFileServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(302, { location: other.url.href }).end();
    });
    const url = new URL(server.url);
    url.username = "me";
    url.password = "p@ss";
    expect(await download(file(url), options)).toMatchObject({ kind: "done" });
    expect(seen).toEqual([`Basic ${Buffer.from("me:p@ss").toString("base64")}`, undefined]);
  });
});

import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Handler, sendFile, startFileServer } from "../../test/fakes/file-server.ts";
import { type LockedPackage, PoolPath } from "../contract/lock.ts";
import type { PackageBase } from "../contract/package-request.ts";
import type { ProgressEvent } from "../contract/progress.ts";
import { blobPath } from "./cache.ts";
import type { SourceFailure } from "./download.ts";
import { type FetchOptions, fetchPackages, poolUrl, provesGone } from "./fetch.ts";

type Made = { readonly locked: LockedPackage; readonly content: Buffer };

const make = (name: string, suite = "trixie"): Made => {
  const content = randomBytes(20_000 + name.length);
  return {
    content,
    locked: {
      name,
      version: "1:2.0-1+deb13u1",
      arch: "amd64",
      size: content.length,
      sha256: createHash("sha256").update(content).digest("hex"),
      path: `pool/main/x/${name}/${name}_2.0-1+deb13u1_amd64.deb`,
      role: "target",
      suite,
    },
  };
};
const made = Array.from({ length: 20 }, (_, at) => make(`package-${at}`));
const packages = made.map(({ locked }) => locked);

/** Serves these below /debian/, and 404 for all else. */
const serve =
  (list: readonly Made[]): Handler =>
  (request, response) => {
    const path = decodeURIComponent(request.url ?? "").slice("/debian/".length);
    const found = list.find(({ locked }) => locked.path === path);
    if (found === undefined) response.writeHead(404).end();
    else sendFile(request, response, found.content);
  };

let cache = "";
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "imgrel-fetch-"));
});
afterEach(() => rm(cache, { recursive: true }));

const required = (url: URL): PackageBase => ({ url, optional: false });
const optional = (url: URL): PackageBase => ({ url, optional: true });
const events: ProgressEvent[] = [];
const fetching = (bases: Record<string, readonly URL[]>, more: Partial<FetchOptions> = {}): FetchOptions => ({
  packages,
  cache,
  locate: () =>
    Promise.resolve({
      bases: new Map(Object.entries(bases).map(([suite, urls]) => [suite, urls.map(required)])),
      proxies: {},
    }),
  report: (event) => events.push(event),
  signal: new AbortController().signal,
  pauses: [1, 1],
  ...more,
});
const below = (url: URL): URL => new URL("debian/", url);

test("brings all packages into the cache once, and tells how far it is", async () => {
  events.length = 0;
  await using server = await startFileServer(serve(made));
  const total = packages.reduce((sum, { size }) => sum + size, 0);
  const options = fetching({ trixie: [below(server.url)] }, { packages: [...packages, ...packages] });
  expect(await fetchPackages(options)).toEqual({ kind: "complete", fetched: 20, reused: 0, bytes: total });
  expect(server.requests.length).toBe(20);
  for (const { sha256, size } of packages) expect((await stat(blobPath(cache, sha256))).size).toBe(size);
  expect(events[0]).toEqual({ event: "started", step: "fetch" });
  expect(events.at(-2)).toMatchObject({ event: "action", step: "fetch", done: total, total, unit: "bytes" });
  expect(events.at(-1)).toMatchObject({ event: "finished", step: "fetch", bytes: total });
});

test("asks for nothing that is in the cache already, and then not even where to ask", async () => {
  await using server = await startFileServer(serve(made));
  await fetchPackages(fetching({ trixie: [below(server.url)] }, { packages: packages.slice(0, 15) }));
  const again = await fetchPackages(fetching({ trixie: [below(server.url)] }));
  expect(again).toMatchObject({ kind: "complete", fetched: 5, reused: 15 });
  const locate = () => Promise.reject(new Error("located"));
  expect(await fetchPackages(fetching({}, { locate }))).toEqual({ kind: "complete", fetched: 0, reused: 20, bytes: 0 });
});

test("fetches anew what is in the cache with another size", async () => {
  await using server = await startFileServer(serve(made));
  const [first] = packages;
  const path = blobPath(cache, first?.sha256 ?? "");
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, "damaged");
  const options = fetching({ trixie: [below(server.url)] }, { packages: packages.slice(0, 1) });
  expect(await fetchPackages(options)).toMatchObject({ kind: "complete", fetched: 1 });
  expect((await stat(path)).size).toBe(first?.size);
});

test("each suite has its own sources, and the one that answered last is asked first", async () => {
  const rolling = make("composefs", "forky");
  await using empty = await startFileServer(serve([]));
  await using full = await startFileServer(serve(made));
  await using other = await startFileServer(serve([rolling]));
  const bases = { trixie: [below(empty.url), below(full.url)], forky: [below(other.url)] };
  expect(await fetchPackages(fetching(bases, { packages: [...packages, rolling.locked] }))).toMatchObject({
    kind: "complete",
  });
  expect(other.requests).toEqual([`GET /debian/${rolling.locked.path.replaceAll("+", "%2B")}`]);
  expect(empty.requests.length).toBeLessThanOrEqual(6);
});

test("names all packages that are gone, and fetches the others", async () => {
  const lost = [made[3], made[11]].map((one) => one?.locked);
  await using server = await startFileServer(serve(made.filter(({ locked }) => !lost.includes(locked))));
  expect(await fetchPackages(fetching({ trixie: [below(server.url)] }))).toEqual({ kind: "gone", packages: lost });
  expect(await fetchPackages(fetching({}, { packages: packages.filter((one) => !lost.includes(one)) }))).toMatchObject({
    reused: 18,
  });
});

test("a package whose suite has no source is not called gone", async () => {
  await expect(fetchPackages(fetching({}))).rejects.toThrow("there is no source to ask");
});

test("a source that does not answer is no proof that a package is gone", async () => {
  const options = fetching({ trixie: [new URL("http://127.0.0.1:1/debian/")] }, { packages: packages.slice(0, 2) });
  const error: unknown = await fetchPackages(options).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ failure: { code: "InputMissing" } });
  for (const { name } of packages.slice(0, 2))
    expect((error as Error).message).toMatch(new RegExp(`${name} .*127\\.0\\.0\\.1:1`));
});

test("a service beside the archive that does not answer is passed over, and asked only a few times", async () => {
  const lost = [made[3], made[11], made[12], made[13], made[14], made[15], made[16], made[17]].map(
    (one) => one?.locked,
  );
  await using server = await startFileServer(serve(made.filter(({ locked }) => !lost.includes(locked))));
  let asked = 0;
  await using dead = await startFileServer((request) => {
    asked += 1;
    request.destroy();
  });
  const bases = new Map([["trixie", [required(below(server.url)), optional(below(dead.url))]]]);
  const locate = () => Promise.resolve({ bases, proxies: {} });
  expect(await fetchPackages(fetching({}, { locate }))).toEqual({ kind: "gone", packages: lost });
  // three tries by each of the workers that met it before its silence was known
  expect(asked).toBeLessThanOrEqual(18);
});

test("a server that answered once keeps being asked", async () => {
  await using server = await startFileServer((request, response, nth) => {
    // breaks off three times in a row for one package, after others came through
    if (request.url?.includes("package-9") === true && nth <= 3) response.destroy();
    else serve(made)(request, response, nth);
  });
  const error: unknown = await fetchPackages(fetching({ trixie: [below(server.url)] })).catch(
    (thrown: unknown) => thrown,
  );
  expect((error as Error).message).toMatch(/^1 package could not be fetched:\n {2}package-9 /);
  expect(await fetchPackages(fetching({ trixie: [below(server.url)] }))).toMatchObject({ fetched: 1, reused: 19 });
});

describe("provesGone", () => {
  const url = (host: string) => new URL(`http://${host}/x`);
  const isOptional = ({ hostname }: URL) => hostname.startsWith("optional");
  const failure = fc.record({
    url: fc.constantFrom("mirror", "other", "optional1", "optional2").map(url),
    kind: fc.constantFrom<SourceFailure["kind"]>("gone", "refused", "busy", "unreachable"),
    reason: fc.constant("a test"),
  });

  test("needs a source that says so, and no silence but of optional ones", () => {
    fc.assert(
      fc.property(fc.array(failure), (failures) => {
        const said = failures.some(({ kind }) => kind === "gone");
        const open = failures.some((one) => one.kind !== "gone" && !isOptional(one.url));
        expect(provesGone(failures, isOptional)).toBe(said && !open);
      }),
    );
  });
});

test("other bytes than locked end it at once, with both hashes", async () => {
  const evil = make("package-0");
  await using server = await startFileServer((request, response) => {
    if (request.url?.endsWith("package-0_2.0-1%2Bdeb13u1_amd64.deb") === true)
      sendFile(request, response, evil.content);
    else response.writeHead(200, { "content-length": 30_000 }).flushHeaders(); // would keep the others busy for ever
  });
  const error: unknown = await fetchPackages(fetching({ trixie: [below(server.url)] })).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ failure: { code: "InputDigestMismatch" } });
  const { message } = error as Error;
  for (const part of ["package-0 1:2.0-1+deb13u1 amd64", packages[0]?.sha256, evil.locked.sha256])
    expect(message).toContain(part);
  await expect(stat(blobPath(cache, packages[0]?.sha256 ?? ""))).rejects.toMatchObject({ code: "ENOENT" });
});

test("an interruption ends it with its own reason", async () => {
  const stop = new AbortController();
  await using server = await startFileServer(() => stop.abort(new Error("stopped")));
  await expect(fetchPackages(fetching({ trixie: [below(server.url)] }, { signal: stop.signal }))).rejects.toThrow(
    "stopped",
  );
});

test("goes through a proxy by plain requests, and leaves none behind", async () => {
  await using proxy = await startFileServer((request, response) => {
    const url = new URL(request.url ?? "");
    const found = made.find(({ locked }) =>
      url.pathname.endsWith(encodeURIComponent(locked.path.split("/").at(-1) ?? "")),
    );
    if (url.host === "archive.test" && found !== undefined) sendFile(request, response, found.content);
    else response.writeHead(404).end();
  });
  const bases = new Map([["trixie", [required(new URL("http://archive.test/debian/"))]]]);
  const locate = () => Promise.resolve({ bases, proxies: { http_proxy: proxy.url.href } });
  expect(await fetchPackages(fetching({}, { locate }))).toMatchObject({ kind: "complete", fetched: 20 });
  await using direct = await startFileServer(serve([]));
  expect(
    await fetchPackages(fetching({ trixie: [below(direct.url)] }, { packages: [make("new").locked] })),
  ).toMatchObject({ kind: "gone" });
  expect(direct.requests.length).toBe(1);
});

describe("poolUrl", () => {
  const base = new URL("http://mirror.test/debian/");

  test("names a file below the base, whatever the path holds", () => {
    const paths = fc.stringMatching(/^pool\/[A-Za-z0-9_.+:%~-]{1,20}(\/[A-Za-z0-9_.+:%~-]{1,20}){1,3}\.deb$/);
    fc.assert(
      fc.property(paths, (path) => {
        if (!PoolPath.safeParse(path).success) return;
        const { href } = poolUrl(base, path);
        expect(href.startsWith(base.href)).toBe(true);
        expect(decodeURIComponent(href.slice(base.href.length))).toBe(path);
      }),
    );
  });

  test.each(["pool/../../etc/passwd", "../x", "pool/./../../x"])("%s is refused", (path) => {
    expect(() => poolUrl(base, path)).toThrow("is not below");
  });

  test("a base without a final slash is refused", () => {
    expect(() => poolUrl(new URL("http://mirror.test/debian"), "pool/x.deb")).toThrow("is not below");
  });
});

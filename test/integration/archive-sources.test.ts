import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ResolveRequest } from "../../builders/contract/package-request.ts";
import { createAptArchive } from "../../controller/adapters/archive/package-archive.ts";
import type { HostApt } from "../../controller/adapters/archive/sources.ts";
import type { ArchiveSource } from "../../controller/domain/class.ts";
import { composeLock } from "../../controller/domain/lock-request.ts";
import { type DebArchive, type FakePackage, poolPathOf, startDebArchive } from "../fakes/deb-archive.ts";
import {
  base,
  DATE,
  dracut,
  kernel,
  key,
  libc,
  mirror,
  otherKey,
  request,
  STABLE,
  stableSuite,
  stamp,
} from "../fakes/stable-suite.ts";

const signal = new AbortController().signal;

let keyrings = "";
beforeAll(async () => {
  keyrings = await mkdtemp(join(tmpdir(), "imgrel-keyrings-"));
  await writeFile(join(keyrings, "test.gpg"), key.keyring);
});
afterAll(() => rm(keyrings, { recursive: true }));

let archive: DebArchive;
beforeEach(async () => {
  archive = await startDebArchive();
});
afterEach(() => archive[Symbol.asyncDispose]());

const open = (sources: readonly ArchiveSource[], host?: () => Promise<HostApt>) =>
  createAptArchive({
    archives: { test: { sources, keyring: "test.gpg" } },
    keyrings,
    env: {},
    ...(host === undefined ? {} : { host }),
  });
const resolve = (more: Partial<ResolveRequest> = {}, sources: readonly ArchiveSource[] = [mirror(archive.url)]) =>
  open(sources).resolve({ ...request, ...more }, signal);
const publish = (
  packages: readonly FakePackage[] = STABLE,
  more: { suite?: string; validUntil?: number; date?: number } = {},
) => archive.publish(stableSuite({ packages, ...more }));
const versions = (packages: readonly { name: string; version: string; suite: string }[]) =>
  packages.map(({ name, version, suite }) => `${name} ${version} ${suite}`).toSorted();

describe("sources", () => {
  test("are tried in the class's order; the first that serves the suite is used alone", async () => {
    await publish();
    await using empty = await startDebArchive();
    await using spare = await startDebArchive();
    const dead = new URL("http://127.0.0.1:1/");
    const { packages } = await resolve({}, [mirror(dead), mirror(empty.url), mirror(archive.url), mirror(spare.url)]);
    expect(packages.length).toBe(4);
    expect(empty.requests.length).toBeGreaterThan(0);
    expect(spare.requests).toEqual([]);
  });

  test("that all fail are listed by kind and reason", async () => {
    const sources: ArchiveSource[] = [
      mirror(new URL("http://127.0.0.1:1/")),
      mirror(archive.url),
      { kind: "snapshot", urlTemplate: "http://127.0.0.1:1/{timestamp}" },
    ];
    const error: unknown = await resolve({}, sources).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "ArchiveUnavailable", kind: "transient" });
    const lines = (error as Error).message.split("\n");
    expect(lines[0]).toBe("no source serves test stable for amd64:");
    expect(lines[1]).toMatch(/^ {2}mirror http:\/\/127\.0\.0\.1:1\/: .*connect/i);
    expect(lines[2]).toMatch(/^ {2}mirror http.*: .*(does not have a Release file|404)/);
    expect(lines[3]).toBe("  snapshot: the request names no snapshot");
  });

  test("that lack the component or the architecture do not serve the suite", async () => {
    await publish();
    await expect(resolve({ components: ["contrib"] })).rejects.toMatchObject({ code: "ArchiveUnavailable" });
  });

  test("an archive that the class does not name is an error", async () => {
    await expect(open([]).resolve({ ...request, archive: "else" }, signal)).rejects.toMatchObject({
      code: "NotFound",
      remedy: "name one of: test",
    });
  });

  test("of the machine's apt: one that another key signs is passed over", async () => {
    await archive.publish(stableSuite({ key: otherKey }));
    await using good = await startDebArchive();
    await good.publish(stableSuite());
    const repositories = [archive, good].map(({ url }) => ({ uri: url.href, origin: "Test" }));
    const system = open([{ kind: "system" }], () => Promise.resolve({ repositories, settings: [] }));
    expect((await system.resolve(request, signal)).packages.length).toBe(4);
    const only = open([{ kind: "system" }], () =>
      Promise.resolve({ repositories: repositories.slice(0, 1), settings: [] }),
    );
    await expect(only.resolve(request, signal)).rejects.toMatchObject({ code: "SignatureInvalid" });
  });

  /** Lets the archive be the proxy for `http://archive.invalid/` too: a proxy is asked for whole URLs. */
  const actAsProxy = () => {
    for (const [path, content] of [...archive.files]) archive.files.set(`ttp://archive.invalid/${path}`, content);
  };

  test("of the machine's apt are asked through its proxy", async () => {
    await publish();
    actAsProxy();
    const settings = [`Acquire::http::Proxy "${archive.url.href}";`];
    const repositories = [{ uri: "http://archive.invalid/", origin: undefined }];
    const system = open([{ kind: "system" }], () => Promise.resolve({ repositories, settings }));
    const resolution = await system.resolve(request, signal);
    expect(resolution.packages.length).toBe(4);
    const lock = composeLock(request, resolution, `sha256:${"0".repeat(64)}`);
    expect(await system.locate(lock, signal)).toEqual({
      bases: new Map([["stable", [{ url: new URL("http://archive.invalid/"), optional: false }]]]),
      proxies: { http_proxy: archive.url.href },
    });
  });

  test("are asked through the process's proxy", async () => {
    await publish();
    actAsProxy();
    const archives = { test: { sources: [mirror(new URL("http://archive.invalid/"))], keyring: "test.gpg" } };
    const proxied = createAptArchive({ archives, keyrings, env: { http_proxy: archive.url.href, HOME: "/nowhere" } });
    const resolution = await proxied.resolve(request, signal);
    expect(resolution.packages.length).toBe(4);
    const lock = composeLock(request, resolution, `sha256:${"0".repeat(64)}`);
    expect((await proxied.locate(lock, signal)).proxies).toEqual({ http_proxy: archive.url.href });
  });

  test("that lead nowhere are said when packages are looked for", async () => {
    await publish();
    const lock = composeLock(request, await resolve(), `sha256:${"0".repeat(64)}`);
    const nowhere = open([{ kind: "system" }], () => Promise.resolve({ repositories: [], settings: [] }));
    await expect(nowhere.locate(lock, signal)).rejects.toMatchObject({
      code: "ArchiveUnavailable",
      message: expect.stringContaining("no http source whose Origin is test") as string,
    });
  });
});

describe("a snapshot", () => {
  const template = (): ArchiveSource => ({ kind: "snapshot", urlTemplate: `${archive.url.href}{timestamp}` });
  const at = stamp(DATE + 60);
  const shelve = () => {
    for (const [path, content] of [...archive.files]) archive.files.set(`${at}/${path}`, content);
  };

  test("is asked for by its time, and the lock names it", async () => {
    await publish();
    shelve();
    const { suites, packages } = await resolve({ snapshot: at }, [template()]);
    expect(suites.map(({ snapshot, date }) => [snapshot, date])).toEqual([[at, stamp(DATE)]]);
    expect(packages.map(({ path }) => path)).toContain(poolPathOf(dracut));
    expect(archive.requests.filter((line) => line.includes("InRelease"))).toEqual([
      `GET /${at}/dists/stable/InRelease`,
    ]);
  });

  test("is what a mirror has if nothing changed there since", async () => {
    await publish();
    const { suites } = await resolve({ snapshot: at });
    expect(suites.map(({ snapshot }) => snapshot)).toEqual([at]);
  });

  test("is not what a mirror has once its index is newer", async () => {
    await publish();
    shelve();
    await publish([base, libc, kernel, { ...dracut, version: "107-1" }], { date: DATE + 3600 });
    const { packages } = await resolve({ snapshot: at }, [mirror(archive.url), template()]);
    expect(versions(packages)).toContain("dracut 106-6 stable");
    await expect(resolve({ snapshot: at })).rejects.toMatchObject({
      code: "ArchiveUnavailable",
      message: expect.stringContaining(
        `its index is of ${stamp(DATE + 3600)}, later than the snapshot ${at}`,
      ) as string,
    });
  });

  test("packages of a lock are looked for in the class's order; without a snapshot, a day after the index and at it", async () => {
    await publish();
    const sources = [
      mirror(archive.url),
      { kind: "snapshot", urlTemplate: "https://snapshot.test/{timestamp}" } as const,
    ];
    const locate = async (snapshot: string | null) => {
      const lock = composeLock({ ...request, snapshot }, await resolve({ snapshot }), `sha256:${"0".repeat(64)}`);
      const { bases } = await open(sources).locate(lock, signal);
      return bases.get("stable")?.map(({ url, optional }) => `${url.href}${optional ? " (optional)" : ""}`);
    };
    expect(await locate(at)).toEqual([archive.url.href, `https://snapshot.test/${at}/ (optional)`]);
    expect(await locate(null)).toEqual([
      archive.url.href,
      `https://snapshot.test/${stamp(DATE + 86_400)}/ (optional)`,
      `https://snapshot.test/${stamp(DATE)}/ (optional)`,
    ]);
    const lock = composeLock(request, await resolve(), `sha256:${"0".repeat(64)}`);
    const { bases } = await open(sources.slice(1)).locate(lock, signal);
    expect(bases.get("stable")?.map(({ optional }) => optional)).toEqual([false, false]);
  });
});

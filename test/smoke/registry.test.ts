import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { digestOf } from "../../builders/contract/digest.ts";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import { sha256File } from "../../builders/host/files.ts";
import { openLayout } from "../../controller/adapters/oci/layout.ts";
import { openRegistry } from "../../controller/adapters/oci/registry.ts";
import type { RegistryOptions } from "../../controller/adapters/oci/registry-client.ts";
import {
  ARTIFACT_TYPE,
  bundleReferrer,
  type NamedBlob,
  variantArtifact,
} from "../../controller/domain/artifact-manifest.ts";
import { ANNOTATION, EMPTY_CONFIG, EMPTY_DESCRIPTOR, OCI } from "../../controller/domain/oci.ts";
import type { ArtifactStore } from "../../controller/ports/artifact-store.ts";
import { copyArtifact, pushArtifact } from "../../controller/reconciler/push-artifact.ts";
import { artifactStoreContract } from "../contracts/artifact-store-contract.ts";
import { type DockerRegistry, startDockerRegistry } from "../docker-registry.ts";
import { startFileServer } from "../fakes/file-server.ts";
import { type GuardedRegistry, startGuardedRegistry } from "../guarded-registry.ts";
import { onHost, toolchainRoot } from "../toolbox.ts";

/** What `oras discover --format json` lists. */
const Discovered = z.object({ manifests: z.array(z.object({ artifactType: z.string() })) });

// What imgrel publishes, against Debian's registry and the ORAS command line.
const signal = new AbortController().signal;
const EPOCH = 1767225600;
const TAG = "demo-1-amd64-raw";
const GIB = 1024 ** 3;

let root = "";
let folder = "";
let count = 0;
let plain: DockerRegistry;
let guarded: GuardedRegistry;
let ca = "";
const started: AsyncDisposable[] = [];
const at = (...names: string[]) => join(folder, ...names);

/** What oras says; it must end with 0. */
async function oras(...args: string[]): Promise<string> {
  const outcome = await exec({ ...onHost(root, "oras", args), cwd: folder, env: { ...PLAIN_ENV, HOME: folder } });
  expect(outcome.exitCode, outcome.tail).toBe(0);
  return outcome.stdout;
}

const openOn = (host: string, path: string, more: Partial<RegistryOptions> = {}): ArtifactStore =>
  openRegistry({
    repository: `${host}/${path}`,
    network: { allowPrivate: true, allowHTTP: true },
    pace: { pauses: [20, 50, 100] },
    ...more,
  });
const credentials = async () => guarded.dockerConfig;

beforeAll(async () => {
  root = await toolchainRoot();
  folder = await mkdtemp(join(tmpdir(), "imgrel-registry-"));
  for (const name of ["plain", "guarded"]) await mkdir(at(name));
  plain = await startDockerRegistry(root, at("plain"));
  started.push(plain);
  guarded = await startGuardedRegistry(root, at("guarded"));
  started.push(guarded);
  ({ ca } = guarded);
});
afterAll(async () => {
  for (const registry of started) await registry[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const fresh = (path: string) => `powernode/${path}-${(count += 1)}`;

artifactStoreContract("docker-registry", async () => ({
  store: openOn(plain.host, fresh("images")),
  sibling: openOn(plain.host, fresh("staging")),
}));
artifactStoreContract("docker-registry with a password and a certificate of its own authority", async () => ({
  store: openOn(guarded.host, fresh("images"), { ca, credentials }),
  sibling: openOn(guarded.host, fresh("staging"), { ca, credentials }),
}));

describe("docker-registry", () => {
  const has = (more: Partial<RegistryOptions>) =>
    openOn(guarded.host, "powernode/images", more).hasBlob(EMPTY_DESCRIPTOR.digest, signal);
  it("is not trusted by a certificate that nobody named", async () => {
    await expect(has({ credentials })).rejects.toMatchObject({
      code: "RegistryRefused",
      message: expect.stringContaining("certificate is not trusted"),
      remedy: expect.stringContaining("caRef"),
    });
  });
  it("lets nobody in without the right password", async () => {
    const wrong = async () => (await credentials()).replace("pass:word", "word");
    const unauthorized = { code: "Unauthorized", kind: "permanent" };
    await expect(has({ ca })).rejects.toMatchObject(unauthorized);
    await expect(has({ ca, credentials: wrong })).rejects.toMatchObject(unauthorized);
    expect(await has({ ca, credentials })).toBe(false);
  });
});

describe("a registry with TLS that leads away from it", () => {
  const bytes = Buffer.from("a blob");
  const blob = { mediaType: "a/b", digest: digestOf(bytes), size: bytes.length };

  /** Such a server; `elsewhere` is where it leads, by plain http. */
  async function startLeading(answer: (response: ServerResponse, request: IncomingMessage, elsewhere: URL) => void) {
    const other = await startFileServer((_, response) => void response.end(bytes));
    const [cert, key] = [await readFile(guarded.tls.certificate), await readFile(guarded.tls.key)];
    const server = createTlsServer({ cert, key }, (request, response) => answer(response, request, other.url));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const stop = new AsyncDisposableStack();
    stop.use(other);
    stop.defer(async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    });
    const { port } = server.address() as AddressInfo;
    // credentials for any registry: none of these may ever leave by http
    const auths = { [`127.0.0.1:${port}`]: { username: "user", password: "pass" } };
    const store = openRegistry({
      ...{ repository: `127.0.0.1:${port}/powernode/images`, ca, pace: { pauses: [1] }, uploadsElsewhere: true },
      network: { allowPrivate: true, allowHTTP: false },
      credentials: async () => JSON.stringify({ auths }),
    });
    return { store, other, [Symbol.asyncDispose]: () => stop.disposeAsync() };
  }
  const refused = { code: "RegistryRefused", kind: "permanent" };

  it("to plain http is not followed for a blob", async () => {
    await using leading = await startLeading((response, _, elsewhere) =>
      response.writeHead(307, { location: elsewhere.href }).end(),
    );
    await expect(leading.store.readBlob(blob, buffer, signal)).rejects.toMatchObject(refused);
    expect(leading.other.requests).toEqual([]);
  });
  it("to plain http is not followed for an upload, wherever uploads may go", async () => {
    await using leading = await startLeading((response, request, elsewhere) =>
      request.method === "POST"
        ? response.writeHead(202, { location: elsewhere.href }).end()
        : response.writeHead(404).end(),
    );
    const push = leading.store.pushBlob(blob, { kind: "bytes", bytes }, signal);
    await expect(push).rejects.toMatchObject(refused);
    expect(leading.other.requests).toEqual([]);
  });
  it("to plain http for tokens is sent no password", async () => {
    await using leading = await startLeading((response, _, elsewhere) =>
      response.writeHead(401, { "www-authenticate": `Bearer realm="${elsewhere.href}"` }).end(),
    );
    await expect(leading.store.resolveTag("v1", signal)).rejects.toMatchObject(refused);
    expect(leading.other.requests).toEqual([]);
  });
});

/** A way to the registry that breaks each connection of `cuts` after so many bytes from our side. */
async function startBreakingWay(host: string, cuts: readonly number[]) {
  const left = [...cuts];
  const server = createServer((client) => {
    const upstream = connect(Number(host.split(":")[1]), "127.0.0.1");
    let passed = 0;
    client.on("data", (chunk) => {
      passed += chunk.length;
      upstream.write(chunk);
      if (left[0] === undefined || passed < left[0]) return;
      left.shift();
      client.destroy();
      upstream.destroy();
    });
    upstream.pipe(client);
    for (const socket of [client, upstream]) {
      socket.on("error", () => undefined);
      socket.on("close", () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const stop = () => new Promise<void>((closed) => void server.close(() => closed()));
  return { host: `127.0.0.1:${port}`, left, [Symbol.asyncDispose]: stop };
}

describe("an upload to docker-registry", () => {
  const bytes = randomBytes(20_000_000);
  const blob = { mediaType: "application/octet-stream", digest: digestOf(bytes), size: bytes.length };
  it("arrives whole, once, though its connection breaks twice", async () => {
    await using way = await startBreakingWay(plain.host, [5_000_000, 15_000_000]);
    const path = fresh("images");
    await openOn(way.host, path).pushBlob(blob, { kind: "bytes", bytes }, signal);
    expect(way.left).toEqual([]);
    const held = await openOn(plain.host, path).readBlob(blob, buffer, signal);
    expect(held.equals(bytes)).toBe(true);
    const layers = join(plain.storage, "docker/registry/v2/repositories", path, "_layers/sha256");
    expect(await readdir(layers)).toEqual([blob.digest.slice("sha256:".length)]);
  });
  it("of 1 GiB takes a small part of it in memory, and so does a layout that copies it", async () => {
    const path = at("large.img");
    await writeFile(path, randomBytes(1_000_000));
    await truncate(path, GIB);
    const large = { ...blob, digest: `sha256:${await sha256File(path)}`, size: GIB };
    const before = process.resourceUsage().maxRSS;
    await openOn(plain.host, fresh("images")).pushBlob(large, { kind: "file", path }, signal);
    await openLayout({ directory: at("large"), name: "large" }).pushBlob(large, { kind: "file", path }, signal);
    expect((process.resourceUsage().maxRSS - before) * 1024).toBeLessThan(160 * 1024 ** 2);
  });
});

describe("what others make of it", () => {
  let files: Map<string, Buffer>;
  let published: Map<string, ArtifactStore>;
  const blobOf = (title: string, bytes: Buffer): NamedBlob => ({ title, digest: digestOf(bytes), size: bytes.length });
  const bundle = Buffer.from('{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}');

  beforeAll(async () => {
    const image = Buffer.concat([randomBytes(500_000), Buffer.alloc(3_000_000), randomBytes(500_000)]);
    files = new Map([
      ["installer.img", image],
      ["installer.cosign-bundle", Buffer.from("signature")],
      ["installer.attestation-bundle", Buffer.from("statement")],
    ]);
    published = new Map([
      ["registry", openOn(plain.host, "powernode/published")],
      ["layout", openLayout({ directory: at("layout"), name: "layout" })],
    ]);
    const artifact = variantArtifact(
      "raw",
      [...files].map(([title, bytes]) => blobOf(title, bytes)),
      EPOCH,
    );
    const referrer = bundleReferrer(
      artifact.descriptor,
      { ...blobOf("provenance.sigstore.json", bundle), predicateType: "https://slsa.dev/provenance/v1" },
      EPOCH,
    );
    const sources = new Map(
      [...files.values(), bundle].map((bytes) => [digestOf(bytes), { kind: "bytes", bytes } as const]),
    );
    for (const store of published.values()) {
      await store.tag(TAG, await pushArtifact(store, artifact, sources, signal), signal);
      await pushArtifact(store, referrer, sources, signal);
    }
  });

  /** How oras is told of the artifact: its option, and the reference. */
  const named = (kind: string): [string, string] =>
    kind === "layout"
      ? ["--oci-layout", `${at("layout")}:${TAG}`]
      : ["--plain-http", `${plain.host}/powernode/published:${TAG}`];

  it.each(["registry", "layout"])("oras pull gives exactly the files by their names, from the %s", async (kind) => {
    const output = at(`pulled-${kind}`);
    await oras("pull", ...named(kind), "--output", output);
    expect((await readdir(output)).toSorted()).toEqual([...files.keys()].toSorted());
    for (const [name, bytes] of files) expect((await readFile(join(output, name))).equals(bytes)).toBe(true);
  });
  it.each(["registry", "layout"])("oras discover shows the bundle, in the %s", async (kind) => {
    const found = JSON.parse(await oras("discover", ...named(kind), "--format", "json"));
    expect(found.manifests).toMatchObject([
      {
        artifactType: ARTIFACT_TYPE.bundle,
        annotations: { "dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1" },
      },
    ]);
  });
  it("oras copies it from the layout to a registry, with its referrers, under the same digest", async () => {
    const to = openOn(plain.host, "powernode/copied");
    await oras(
      "copy",
      "--recursive",
      "--from-oci-layout",
      `${at("layout")}:${TAG}`,
      "--to-plain-http",
      `${to.name}:${TAG}`,
    );
    const digest = await published.get("layout")?.resolveTag(TAG, signal);
    expect(await to.resolveTag(TAG, signal)).toBe(digest);
    expect(await to.referrers(digest ?? "", signal)).toMatchObject([{ artifactType: ARTIFACT_TYPE.bundle }]);
  });
  it("what oras pushes and attaches is found by us", async () => {
    const path = "powernode/by-oras";
    await writeFile(at("hello.txt"), "hello");
    await oras("push", "--plain-http", "--artifact-type", "a/b", `${plain.host}/${path}:v1`, "hello.txt:text/plain");
    await oras("attach", "--plain-http", "--artifact-type", "c/d", `${plain.host}/${path}:v1`, "hello.txt:text/plain");
    const store = openOn(plain.host, path);
    const digest = (await store.resolveTag("v1", signal)) ?? "";
    const manifest = JSON.parse(Buffer.from((await store.readManifest(digest, signal))?.bytes ?? []).toString());
    expect(String(await store.readBlob(manifest.layers[0], buffer, signal))).toBe("hello");
    expect(manifest.layers[0].annotations[ANNOTATION.title]).toBe("hello.txt");
    expect(await store.referrers(digest, signal)).toMatchObject([{ artifactType: "c/d" }]);
    // ours joins theirs in the list that both keep
    const subject = { mediaType: OCI.manifest, digest, size: 1 };
    const ours = bundleReferrer(subject, blobOf("b.sigstore.json", bundle), EPOCH);
    await store.pushBlob(EMPTY_DESCRIPTOR, { kind: "bytes", bytes: EMPTY_CONFIG }, signal);
    await store.pushBlob({ ...blobOf("", bundle), mediaType: "a/b" }, { kind: "bytes", bytes: bundle }, signal);
    await store.pushManifest(OCI.manifest, ours.bytes, signal);
    const found = Discovered.parse(
      JSON.parse(await oras("discover", "--plain-http", `${store.name}:v1`, "--format", "json")),
    );
    const types = found.manifests.map(({ artifactType }) => artifactType);
    expect(types.toSorted()).toEqual([ARTIFACT_TYPE.bundle, "c/d"]);
  });
  it("is copied by digest from one registry to another, and into a layout, byte for byte", async () => {
    const from = published.get("registry");
    if (from === undefined) throw new Error("nothing was published");
    const digest = (await from.resolveTag(TAG, signal)) ?? "";
    for (const to of [
      openOn(guarded.host, "powernode/copied", { ca, credentials }),
      openOn(plain.host, "powernode/mounted"),
      openLayout({ directory: at("copied"), name: "copied" }),
    ]) {
      await copyArtifact(from, to, digest, signal);
      expect(await to.readManifest(digest, signal)).toEqual(await from.readManifest(digest, signal));
    }
    const image = files.get("installer.img") ?? Buffer.alloc(0);
    const copied = await stat(join(at("copied"), "blobs/sha256", digestOf(image).slice(7)));
    expect(copied.blocks * 512).toBeLessThan(image.length / 2); // what is zero stays a hole
  });
  it("a blob that the registry's disk lost is noticed", async () => {
    const bytes = randomBytes(1000);
    const blob = { ...blobOf("x", bytes), mediaType: "a/b" };
    const store = openOn(plain.host, fresh("images"));
    await store.pushBlob(blob, { kind: "bytes", bytes }, signal);
    const hex = blob.digest.slice("sha256:".length);
    const data = join(plain.storage, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data");
    await using file = await open(data, "r+");
    await file.write(Buffer.of((bytes[500] ?? 0) ^ 1), 0, 1, 500);
    const attempt = store.readBlob(blob, buffer, signal);
    await expect(attempt).rejects.toMatchObject({ code: "RegistryDigestMismatch", kind: "permanent" });
  });
});

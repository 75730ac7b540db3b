import { randomBytes } from "node:crypto";
import {
  mkdir,
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../builders/contract/digest.ts";
import { exec } from "../../../builders/host/exec.ts";
import { encodeArtifact } from "../../domain/artifact-manifest.ts";
import { ANNOTATION, type Descriptor, EMPTY_CONFIG, EMPTY_DESCRIPTOR, OCI } from "../../domain/oci.ts";
import { openLayout } from "./layout.ts";

const signal = new AbortController().signal;
const EPOCH = 1767225600;
// a file system in memory: it has hard links and sparse files, and shares no blocks
const MEMORY = "/dev/shm";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(MEMORY, "imgrel-layout-"));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (...names: string[]) => join(folder, ...names);
const open = (directory = at("layout")) => openLayout({ directory, name: "layout" });

/** A layout that is there. */
async function layout(directory = at("layout")) {
  const store = open(directory);
  await store.pushBlob(EMPTY_DESCRIPTOR, { kind: "bytes", bytes: EMPTY_CONFIG }, signal);
  return store;
}
const blobPath = ({ digest }: Descriptor, directory = at("layout")) => join(directory, "blobs/sha256", digest.slice(7));
const blobOf = (bytes: Uint8Array): Descriptor => ({
  ...{ mediaType: "application/octet-stream", digest: digestOf(bytes), size: bytes.length },
});

async function fileOf(bytes: Uint8Array, name = "file") {
  await writeFile(at(name), bytes);
  return { kind: "file", path: at(name) } as const;
}

describe("a layout", () => {
  it("is made with the first write, and nothing of it but this", async () => {
    await layout();
    expect(await readFile(at("layout/oci-layout"), "utf8")).toBe('{"imageLayoutVersion":"1.0.0"}');
    const index = { schemaVersion: 2, mediaType: OCI.index, manifests: [] };
    expect(JSON.parse(await readFile(at("layout/index.json"), "utf8"))).toEqual(index);
    expect((await readdir(at("layout"), { recursive: true })).toSorted()).toEqual([
      ...["blobs", "blobs/sha256", `blobs/sha256/${EMPTY_DESCRIPTOR.digest.slice(7)}`],
      ...["index.json", "ingest", "oci-layout"],
    ]);
  });
  it("is not made by reading, and not touched", async () => {
    const store = open();
    const { digest } = EMPTY_DESCRIPTOR;
    expect(await store.hasBlob(digest, signal)).toBe(false);
    expect(await store.readManifest(digest, signal)).toBeNull();
    expect(await store.resolveTag("x", signal)).toBeNull();
    expect(await store.referrers(digest, signal)).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });
  it.each([
    ["oci-layout", '{"imageLayoutVersion":"2.0.0"}'],
    ["oci-layout", "1.0.0"],
    ["index.json", "{}"],
    ["index.json", "not JSON"],
  ])("with another %s is left alone: %s", async (name, content) => {
    await layout();
    await writeFile(at("layout", name), content);
    const use = async () => (await layout()).resolveTag("x", signal);
    await expect(use()).rejects.toMatchObject({ code: "RegistryRefused", kind: "permanent" });
    expect(await readFile(at("layout", name), "utf8")).toBe(content);
  });
  it("that cannot be written says why", async () => {
    await expect(layout("/sys/imgrel")).rejects.toMatchObject({ code: "Unauthorized", kind: "permanent" });
    await writeFile(at("file"), "");
    await expect(layout(at("file/layout"))).rejects.toMatchObject({ code: "RegistryUnavailable", kind: "transient" });
  });
  it("is rid of what a killed process left, and of nothing that a running one writes", async () => {
    await layout();
    const [dead, alive] = [`4194304.${"a".repeat(12)}`, `${process.ppid}.${"a".repeat(12)}`];
    await writeFile(at("layout/ingest", dead), "half a blob");
    await writeFile(at("layout/ingest", alive), "half a blob");
    await layout();
    expect(await readdir(at("layout/ingest"))).toEqual([alive]);
  });
});

describe("a file that is stored", () => {
  it("gets a second name if it is finished, and is read-only from then on", async () => {
    const bytes = randomBytes(100_000);
    const source = await fileOf(bytes);
    await (await layout()).pushBlob(blobOf(bytes), { ...source, finished: true }, signal);
    const [original, stored] = [await stat(source.path), await stat(blobPath(blobOf(bytes)))];
    expect([stored.ino, stored.nlink, stored.mode & 0o777]).toEqual([original.ino, 2, 0o444]);
  });
  it("is copied if it may still change", async () => {
    const bytes = randomBytes(100_000);
    const source = await fileOf(bytes);
    const store = await layout();
    await store.pushBlob(blobOf(bytes), source, signal);
    await writeFile(source.path, "changed");
    expect((await store.readBlob(blobOf(bytes), buffer, signal)).equals(bytes)).toBe(true);
    const { nlink, mode } = await stat(blobPath(blobOf(bytes)));
    expect([nlink, mode & 0o777]).toEqual([1, 0o444]);
  });
  it("is copied if it is on another file system", async () => {
    const bytes = randomBytes(100_000);
    const source = await fileOf(bytes);
    const elsewhere = await mkdtemp(join(tmpdir(), "imgrel-layout-"));
    try {
      expect((await stat(elsewhere)).dev).not.toBe((await stat(folder)).dev);
      const store = await layout(elsewhere);
      await store.pushBlob(blobOf(bytes), { ...source, finished: true }, signal);
      expect((await store.readBlob(blobOf(bytes), buffer, signal)).equals(bytes)).toBe(true);
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });
  it("is what a link points to, not the link", async () => {
    const bytes = randomBytes(1000);
    await symlink((await fileOf(bytes)).path, at("link"));
    const store = await layout();
    await store.pushBlob(blobOf(bytes), { kind: "file", path: at("link"), finished: true }, signal);
    await rm(at("file"));
    expect((await store.readBlob(blobOf(bytes), buffer, signal)).equals(bytes)).toBe(true);
  });
  it.each([true, false])("stays sparse (finished: %s)", async (finished) => {
    const [data, size] = [randomBytes(100_000), 64 * 1024 * 1024];
    await writeFile(at("file"), data);
    await truncate(at("file"), size);
    const blob = { ...blobOf(data), digest: digestOf(await readFile(at("file"))), size };
    const source = { kind: "file", path: at("file"), ...(finished ? { finished } : {}) } as const;
    await (await layout()).pushBlob(blob, source, signal);
    const stored = await stat(blobPath(blob));
    expect(stored.size).toBe(size);
    expect(stored.blocks * 512).toBeLessThan(1024 * 1024);
  });
  it.each([true, false])("of other bytes leaves nothing behind (finished: %s)", async (finished) => {
    const bytes = randomBytes(1000);
    const source = { ...(await fileOf(randomBytes(1000))), ...(finished ? { finished } : {}) } as const;
    const attempt = (await layout()).pushBlob(blobOf(bytes), source, signal);
    await expect(attempt).rejects.toMatchObject({ code: "InputDigestMismatch" });
    expect(await readdir(at("layout/blobs/sha256"))).toEqual([EMPTY_DESCRIPTOR.digest.slice(7)]);
    expect(await readdir(at("layout/ingest"))).toEqual([]);
    expect((await stat(source.path)).nlink).toBe(1);
  });
  it("is refused if somebody who had it open writes to it meanwhile, even the same bytes", async () => {
    const bytes = randomBytes(30_000_000);
    const source = await fileOf(bytes);
    await using writer = await openFile(source.path, "r+");
    const store = await layout();
    const stop = new AbortController();
    const writing = (async () => {
      while (!stop.signal.aborted) await writer.write(bytes, 0, 1, 0);
    })();
    const attempt = store.pushBlob(blobOf(bytes), { ...source, finished: true }, signal);
    const outcome: unknown = await attempt.catch((error: unknown) => error);
    stop.abort();
    await writing;
    expect(outcome).toMatchObject({
      code: "InputDigestMismatch",
      message: expect.stringContaining("written to while"),
    });
    expect(await store.hasBlob(blobOf(bytes).digest, signal)).toBe(false);
  });
});

describe("a blob on disk", () => {
  it("that was altered is not handed over", async () => {
    const bytes = randomBytes(1000);
    const store = await layout();
    await store.pushBlob(blobOf(bytes), { kind: "bytes", bytes }, signal);
    const path = blobPath(blobOf(bytes));
    await rm(path);
    await writeFile(path, Buffer.concat([bytes.subarray(0, 999), Buffer.of((bytes[999] ?? 0) ^ 1)]));
    const attempt = store.readBlob(blobOf(bytes), buffer, signal);
    await expect(attempt).rejects.toMatchObject({ code: "RegistryDigestMismatch" });
  });
  it("that was cut is replaced by the next push", async () => {
    const bytes = randomBytes(1000);
    const store = await layout();
    await store.pushBlob(blobOf(bytes), { kind: "bytes", bytes }, signal);
    const path = blobPath(blobOf(bytes));
    await rm(path);
    await writeFile(path, bytes.subarray(0, 500));
    await store.pushBlob(blobOf(bytes), { kind: "bytes", bytes }, signal);
    expect((await store.readBlob(blobOf(bytes), buffer, signal)).equals(bytes)).toBe(true);
  });
  it("that is a manifest and was altered is not handed over", async () => {
    const store = await layout();
    const { bytes, descriptor } = encodeArtifact({ artifactType: "a/b", files: [], sourceDateEpoch: EPOCH });
    await store.pushBlob(EMPTY_DESCRIPTOR, { kind: "bytes", bytes: EMPTY_CONFIG }, signal);
    await store.pushManifest(OCI.manifest, bytes, signal);
    await rm(blobPath(descriptor));
    await writeFile(blobPath(descriptor), "{}");
    await expect(store.readManifest(descriptor.digest, signal)).rejects.toMatchObject({
      code: "RegistryDigestMismatch",
    });
  });
});

describe("the index", () => {
  it("has a manifest's tag where others look for it, and takes no annotation of a manifest for one", async () => {
    const store = await layout();
    const annotations = { [ANNOTATION.refName]: "not-a-tag" };
    const { bytes, descriptor } = encodeArtifact({
      artifactType: "a/b",
      files: [],
      sourceDateEpoch: EPOCH,
      annotations,
    });
    await store.pushBlob(EMPTY_DESCRIPTOR, { kind: "bytes", bytes: EMPTY_CONFIG }, signal);
    await store.pushManifest(OCI.manifest, bytes, signal);
    expect(await store.resolveTag("not-a-tag", signal)).toBeNull();
    await store.tag("r-1", descriptor.digest, signal);
    const { manifests } = JSON.parse(await readFile(at("layout/index.json"), "utf8"));
    expect(manifests).toEqual([{ ...descriptor, annotations: { [ANNOTATION.refName]: "r-1" } }]);
  });
  it("keeps what others wrote there, and finds manifests that it does not list", async () => {
    const store = await layout();
    const { bytes, descriptor } = encodeArtifact({ artifactType: "a/b", files: [], sourceDateEpoch: EPOCH });
    await store.pushBlob(descriptor, { kind: "bytes", bytes }, signal);
    expect(await store.readManifest(descriptor.digest, signal)).toMatchObject({ mediaType: OCI.manifest });
    const theirs = { mediaType: OCI.index, digest: `sha512:${"0".repeat(128)}`, size: 1, platform: { os: "plan9" } };
    await writeFile(at("layout/index.json"), JSON.stringify({ schemaVersion: 2, manifests: [theirs], theirs: true }));
    await store.pushBlob(EMPTY_DESCRIPTOR, { kind: "bytes", bytes: EMPTY_CONFIG }, signal);
    await store.pushManifest(OCI.manifest, bytes, signal);
    const index = JSON.parse(await readFile(at("layout/index.json"), "utf8"));
    expect(index).toMatchObject({ theirs: true, manifests: [theirs, { digest: descriptor.digest }] });
  });
  it("loses nothing when several processes write", async () => {
    await mkdir(at("layout"));
    const script = `
      const [, directory, name] = process.argv;
      const signal = new AbortController().signal;
      const { openLayout } = await import(${JSON.stringify(fileURLToPath(new URL("layout.ts", import.meta.url)))});
      const { encodeArtifact } = await import(${JSON.stringify(fileURLToPath(new URL("../../domain/artifact-manifest.ts", import.meta.url)))});
      const { EMPTY_CONFIG, EMPTY_DESCRIPTOR, OCI } = await import(${JSON.stringify(fileURLToPath(new URL("../../domain/oci.ts", import.meta.url)))});
      const store = openLayout({ directory, name: "layout" });
      await store.pushBlob(EMPTY_DESCRIPTOR, { kind: "bytes", bytes: EMPTY_CONFIG }, signal);
      for (let nth = 0; nth < 3; nth += 1) {
        const manifest = encodeArtifact({ artifactType: name + "/" + nth, files: [], sourceDateEpoch: 0 });
        await store.tag(name + nth, await store.pushManifest(OCI.manifest, manifest.bytes, signal), signal);
      }`;
    const run = (name: string) =>
      exec({ program: process.execPath, args: ["--input-type=module", "--eval", script, at("layout"), name] });
    const outcomes = await Promise.all([run("a"), run("b"), run("c")]);
    expect(outcomes.map(({ exitCode, tail }) => [exitCode, tail])).toEqual([
      [0, ""],
      [0, ""],
      [0, ""],
    ]);
    const store = await layout();
    const tags = ["a", "b", "c"].flatMap((name) => [0, 1, 2].map((nth) => `${name}${nth}`));
    const digests = await Promise.all(tags.map((tag) => store.resolveTag(tag, signal)));
    expect(new Set(digests).size).toBe(9);
    expect(digests).not.toContain(null);
  }, 60_000);
});

import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { canonicalJson, digestOf } from "../../builders/contract/digest.ts";
import { bundleReferrer, encodeArtifact, type EncodedManifest } from "../../controller/domain/artifact-manifest.ts";
import { type Descriptor, EMPTY_CONFIG, EMPTY_DESCRIPTOR, OCI } from "../../controller/domain/oci.ts";
import type { ArtifactStore } from "../../controller/ports/artifact-store.ts";

const signal = new AbortController().signal;
const MISSING = { kind: "file", path: "/nowhere/at/all" } as const;
const EPOCH = 1767225600;

/** Two repositories of one registry. */
export type Repositories = { readonly store: ArtifactStore; readonly sibling: ArtifactStore };

const blobOf = (bytes: Uint8Array): Descriptor => ({
  mediaType: "application/octet-stream",
  digest: digestOf(bytes),
  size: bytes.byteLength,
});

const artifactOf = (...layers: readonly Descriptor[]): EncodedManifest =>
  encodeArtifact({
    artifactType: "application/vnd.example.v1",
    files: layers.map((layer, index) => ({ ...layer, title: `file-${index}` })),
    sourceDateEpoch: EPOCH,
  });

/** Pushes an artifact of one file with random content, and all that it needs. */
async function pushNew(store: ArtifactStore): Promise<EncodedManifest> {
  const bytes = randomBytes(100);
  const artifact = artifactOf(blobOf(bytes));
  await store.pushBlob(EMPTY_DESCRIPTOR, { kind: "bytes", bytes: EMPTY_CONFIG }, signal);
  await store.pushBlob(blobOf(bytes), { kind: "bytes", bytes }, signal);
  await store.pushManifest(OCI.manifest, artifact.bytes, signal);
  return artifact;
}

/** Every ArtifactStore keeps these promises. `make` gives two repositories, which may hold things already. */
export function artifactStoreContract(name: string, make: () => Promise<Repositories>): void {
  describe(`${name} is an artifact store`, () => {
    it.each([0, 1, 65_536, 3_000_000])("gives back a blob of %i bytes, byte for byte", async (size) => {
      const { store } = await make();
      const bytes = randomBytes(size);
      const descriptor = blobOf(bytes);
      if (size > 0) expect(await store.hasBlob(descriptor.digest, signal)).toBe(false);
      await store.pushBlob(descriptor, { kind: "bytes", bytes }, signal);
      expect(await store.hasBlob(descriptor.digest, signal)).toBe(true);
      expect((await store.readBlob(descriptor, buffer, signal)).equals(bytes)).toBe(true);
    });

    it("does not read the source of a blob that is there", async () => {
      const { store } = await make();
      const bytes = randomBytes(50);
      await store.pushBlob(blobOf(bytes), { kind: "bytes", bytes }, signal);
      await store.pushBlob(blobOf(bytes), MISSING, signal);
      expect((await store.readBlob(blobOf(bytes), buffer, signal)).equals(bytes)).toBe(true);
    });

    it("mounts a blob of a sibling instead of reading its source", async () => {
      const { store, sibling } = await make();
      const bytes = randomBytes(50);
      await sibling.pushBlob(blobOf(bytes), { kind: "bytes", bytes }, signal);
      await store.pushBlob(blobOf(bytes), MISSING, signal, sibling.name);
      expect((await store.readBlob(blobOf(bytes), buffer, signal)).equals(bytes)).toBe(true);
    });

    it("sends the source where the sibling does not have it", async () => {
      const { store, sibling } = await make();
      const bytes = randomBytes(50);
      await store.pushBlob(blobOf(bytes), { kind: "bytes", bytes }, signal, sibling.name);
      expect(await store.hasBlob(blobOf(bytes).digest, signal)).toBe(true);
    });

    it("copies a blob out of another store", async () => {
      const { store } = await make();
      const { store: other } = await make();
      const bytes = randomBytes(100_000);
      await other.pushBlob(blobOf(bytes), { kind: "bytes", bytes }, signal);
      await store.pushBlob(blobOf(bytes), { kind: "stored", store: other }, signal);
      expect((await store.readBlob(blobOf(bytes), buffer, signal)).equals(bytes)).toBe(true);
    });

    it.each([
      ["other bytes", (bytes: Buffer) => randomBytes(bytes.length)],
      ["less", (bytes: Buffer) => bytes.subarray(1)],
      ["more", (bytes: Buffer) => Buffer.concat([bytes, bytes])],
    ])("takes nothing of a source that has %s", async (_, alter) => {
      const { store } = await make();
      const bytes = randomBytes(2000);
      const descriptor = blobOf(bytes);
      const attempt = store.pushBlob(descriptor, { kind: "bytes", bytes: alter(bytes) }, signal);
      await expect(attempt).rejects.toMatchObject({ code: "InputDigestMismatch" });
      expect(await store.hasBlob(descriptor.digest, signal)).toBe(false);
    });

    it("says which source cannot be read", async () => {
      const { store } = await make();
      const attempt = store.pushBlob(blobOf(randomBytes(5)), MISSING, signal);
      await expect(attempt).rejects.toMatchObject({ code: "InputMissing" });
    });

    it("has no blob that nobody pushed", async () => {
      const { store } = await make();
      const attempt = store.readBlob(blobOf(randomBytes(5)), buffer, signal);
      await expect(attempt).rejects.toMatchObject({ code: "NotFound" });
    });

    it("hands over what the reader of a blob throws, and reads it once", async () => {
      const { store } = await make();
      const bytes = randomBytes(50);
      await store.pushBlob(blobOf(bytes), { kind: "bytes", bytes }, signal);
      let calls = 0;
      const attempt = store.readBlob(
        blobOf(bytes),
        async () => {
          calls += 1;
          throw new Error("no more room");
        },
        signal,
      );
      await expect(attempt).rejects.toThrow("no more room");
      expect(calls).toBe(1);
    });

    it("never hands over a blob under another size", async () => {
      const { store } = await make();
      const bytes = randomBytes(50);
      await store.pushBlob(blobOf(bytes), { kind: "bytes", bytes }, signal);
      const attempt = store.readBlob({ ...blobOf(bytes), size: 49 }, buffer, signal);
      await expect(attempt).rejects.toMatchObject({ code: "RegistryDigestMismatch", kind: "permanent" });
    });

    it("gives back a manifest byte for byte, and takes it twice", async () => {
      const { store } = await make();
      const { descriptor, bytes } = await pushNew(store);
      expect(await store.readManifest(digestOf(randomBytes(5)), signal)).toBeNull();
      expect(await store.pushManifest(OCI.manifest, bytes, signal)).toBe(descriptor.digest);
      const found = await store.readManifest(descriptor.digest, signal);
      expect(found).toMatchObject({ digest: descriptor.digest, mediaType: OCI.manifest });
      expect(Buffer.from(found?.bytes ?? []).equals(bytes)).toBe(true);
    });

    it("refuses a manifest whose parts are not there, and what is no manifest", async () => {
      const { store } = await make();
      const { bytes } = artifactOf(blobOf(randomBytes(5)));
      await store.pushBlob(EMPTY_DESCRIPTOR, { kind: "bytes", bytes: EMPTY_CONFIG }, signal);
      const refused = { code: "RegistryRefused", kind: "permanent" };
      await expect(store.pushManifest(OCI.manifest, bytes, signal)).rejects.toMatchObject(refused);
      await expect(store.pushManifest(OCI.manifest, randomBytes(20), signal)).rejects.toMatchObject(refused);
      const whole = await pushNew(store);
      await expect(store.pushManifest(OCI.index, whole.bytes, signal)).rejects.toMatchObject(refused);
    });

    it("keeps an index of manifests", async () => {
      const { store } = await make();
      const manifests = [await pushNew(store), await pushNew(store)].map(({ descriptor }) => descriptor);
      const text = canonicalJson({ schemaVersion: 2, mediaType: OCI.index, manifests });
      const digest = await store.pushManifest(OCI.index, new TextEncoder().encode(text), signal);
      expect(await store.readManifest(digest, signal)).toMatchObject({ mediaType: OCI.index });
    });

    it("sets a tag once and never moves it", async () => {
      const { store } = await make();
      const tag = `release-${randomBytes(6).toString("hex")}`;
      const [first, second] = [(await pushNew(store)).descriptor.digest, (await pushNew(store)).descriptor.digest];
      expect(await store.resolveTag(tag, signal)).toBeNull();
      await store.tag(tag, first, signal);
      expect(await store.resolveTag(tag, signal)).toBe(first);
      await store.tag(tag, first, signal);
      await store.tag(`${tag}-too`, first, signal);
      await expect(store.tag(tag, second, signal)).rejects.toMatchObject({ code: "TagConflict", kind: "permanent" });
      expect(await store.resolveTag(tag, signal)).toBe(first);
      expect(await store.resolveTag(`${tag}-too`, signal)).toBe(first);
    });

    it("tags no manifest that is not there", async () => {
      const { store } = await make();
      const tag = `release-${randomBytes(6).toString("hex")}`;
      const attempt = store.tag(tag, digestOf(randomBytes(5)), signal);
      await expect(attempt).rejects.toMatchObject({ code: "RegistryUnavailable", kind: "transient" });
      expect(await store.resolveTag(tag, signal)).toBeNull();
    });

    it("lists the referrers of a manifest, however many push one at a time", async () => {
      const { store } = await make();
      const subject = (await pushNew(store)).descriptor;
      expect(await store.referrers(subject.digest, signal)).toEqual([]);
      const push = async (index: number): Promise<Descriptor> => {
        const bytes = randomBytes(50);
        const predicateType = `https://example.org/${index}`;
        const file = { ...blobOf(bytes), title: "a.json", predicateType };
        const { bytes: manifest, descriptor } = bundleReferrer(subject, file, EPOCH);
        await store.pushBlob(file, { kind: "bytes", bytes }, signal);
        await store.pushManifest(OCI.manifest, manifest, signal);
        await store.pushManifest(OCI.manifest, manifest, signal);
        const annotations = {
          "dev.sigstore.bundle.content": "dsse-envelope",
          "dev.sigstore.bundle.predicateType": predicateType,
          "org.opencontainers.image.created": "2026-01-01T00:00:00Z",
        };
        return { ...descriptor, annotations };
      };
      const pushed = await Promise.all(Array.from({ length: 4 }, (_, index) => push(index)));
      expect(await store.referrers(subject.digest, signal)).toEqual(
        pushed.toSorted((a, b) => (a.digest < b.digest ? -1 : 1)),
      );
    });

    it.each(["", "../x", "a/b", "a b", "-x", "x".repeat(129)])("refuses %j as a tag", async (tag) => {
      const { store } = await make();
      await expect(store.resolveTag(tag, signal)).rejects.toMatchObject({ code: "Usage" });
      await expect(store.tag(tag, digestOf(""), signal)).rejects.toMatchObject({ code: "Usage" });
    });

    it.each(["", "sha256:../../x", `sha256:${"0".repeat(63)}`, `sha512:${"0".repeat(64)}`])(
      "refuses %j as a digest",
      async (digest) => {
        const { store } = await make();
        const blob = { ...blobOf(randomBytes(1)), digest };
        const usage = { code: "Usage" };
        await expect(store.hasBlob(digest, signal)).rejects.toMatchObject(usage);
        await expect(store.pushBlob(blob, MISSING, signal)).rejects.toMatchObject(usage);
        await expect(store.readBlob(blob, buffer, signal)).rejects.toMatchObject(usage);
        await expect(store.readManifest(digest, signal)).rejects.toMatchObject(usage);
        await expect(store.tag("x", digest, signal)).rejects.toMatchObject(usage);
        await expect(store.referrers(digest, signal)).rejects.toMatchObject(usage);
      },
    );

    it("stops with the signal's reason", async () => {
      const { store } = await make();
      const bytes = randomBytes(500_000);
      const stopped = AbortSignal.abort(new Error("enough"));
      const push = store.pushBlob(blobOf(bytes), { kind: "bytes", bytes }, stopped);
      await expect(push).rejects.toThrow("enough");
      expect(await store.hasBlob(blobOf(bytes).digest, signal)).toBe(false);
      await store.pushBlob(blobOf(bytes), { kind: "bytes", bytes }, signal);
      await expect(store.readBlob(blobOf(bytes), buffer, stopped)).rejects.toThrow("enough");
    });
  });
}

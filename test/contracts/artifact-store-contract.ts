import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../builders/contract/digest.ts";
import { bundleReferrer, encodeArtifact } from "../../controller/domain/artifact-manifest.ts";
import { type Descriptor, EMPTY_CONFIG, EMPTY_DESCRIPTOR, OCI } from "../../controller/domain/oci.ts";
import type { ArtifactStore } from "../../controller/ports/artifact-store.ts";

const signal = new AbortController().signal;
const BYTES = "application/octet-stream";
const text = (value: string) => new TextEncoder().encode(value);
const blob = (bytes: Uint8Array): Descriptor => ({ mediaType: BYTES, digest: digestOf(bytes), size: bytes.byteLength });

/** Every ArtifactStore keeps these promises. `make` gives an empty one. */
export function artifactStoreContract(name: string, make: () => Promise<ArtifactStore>): void {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "artifact-store-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const read = (store: ArtifactStore, descriptor: Descriptor) =>
    store.readBlob(descriptor, async (chunks) => Buffer.concat(await Array.fromAsync(chunks)), signal);
  /** An artifact of one file, pushed whole. */
  const push = async (store: ArtifactStore, content: string) => {
    const bytes = text(content);
    const { digest, size } = blob(bytes);
    await store.pushBlob(EMPTY_DESCRIPTOR, { kind: "bytes", bytes: EMPTY_CONFIG }, signal);
    await store.pushBlob(blob(bytes), { kind: "bytes", bytes }, signal);
    const manifest = encodeArtifact({
      ...{ artifactType: "application/vnd.example", sourceDateEpoch: 0 },
      files: [{ title: "file", mediaType: BYTES, digest, size }],
    });
    await store.pushManifest(OCI.manifest, manifest.bytes, signal);
    return manifest;
  };
  const attach = async (store: ArtifactStore, subject: Descriptor, content: string) => {
    const bytes = text(content);
    await store.pushBlob(blob(bytes), { kind: "bytes", bytes }, signal);
    const { digest, size } = blob(bytes);
    const manifest = bundleReferrer(subject, { title: `${size}.json`, digest, size, predicateType: "t" }, 0);
    return store.pushManifest(OCI.manifest, manifest.bytes, signal);
  };

  describe(`${name} is an artifact store`, () => {
    it("is empty at first", async () => {
      const store = await make();
      const { digest } = blob(text("x"));
      expect(await store.hasBlob(digest, signal)).toBe(false);
      expect(await store.readManifest(digest, signal)).toBeNull();
      expect(await store.resolveTag("v1", signal)).toBeNull();
      expect(await store.referrers(digest, signal)).toEqual([]);
      await expect(read(store, blob(text("x")))).rejects.toMatchObject({ code: "NotFound" });
    });

    it("gives back blobs byte for byte, from bytes, files and other stores, empty and large ones", async () => {
      const store = await make();
      const large = Uint8Array.from({ length: 3 * 1024 * 1024 + 1 }, (_, index) => (index * 31) % 251);
      for (const bytes of [text(""), text("ü"), large]) {
        await store.pushBlob(blob(bytes), { kind: "bytes", bytes }, signal);
        expect(Buffer.compare(await read(store, blob(bytes)), bytes)).toBe(0);
      }
      const path = join(folder, "file");
      const content = Buffer.concat([text("head"), Buffer.alloc(2 * 1024 * 1024), text("tail")]);
      await writeFile(path, content);
      await store.pushBlob(blob(content), { kind: "file", path }, signal);
      expect(Buffer.compare(await read(store, blob(content)), content)).toBe(0);
      const other = await make();
      await other.pushBlob(blob(content), { kind: "stored", store }, signal);
      expect(Buffer.compare(await read(other, blob(content)), content)).toBe(0);
    });

    it("takes no blob that is not what its descriptor says, and keeps nothing of it", async () => {
      const store = await make();
      const path = join(folder, "other");
      await writeFile(path, "other");
      for (const source of [
        { kind: "bytes", bytes: text("other") },
        { kind: "file", path },
      ] as const) {
        const wanted = blob(text("wanted"));
        await expect(store.pushBlob(wanted, source, signal)).rejects.toMatchObject({ code: "InputDigestMismatch" });
        expect(await store.hasBlob(wanted.digest, signal)).toBe(false);
        const short = { ...blob(text("other")), size: 4 };
        await expect(store.pushBlob(short, source, signal)).rejects.toMatchObject({ code: "InputDigestMismatch" });
        expect(await store.hasBlob(short.digest, signal)).toBe(false);
      }
      const gone = { kind: "file", path: join(folder, "gone") } as const;
      await expect(store.pushBlob(blob(text("x")), gone, signal)).rejects.toMatchObject({ code: "InputMissing" });
    });

    it("stores manifests byte for byte, once all that they refer to is there", async () => {
      const store = await make();
      const manifest = await push(store, "one");
      expect(await store.readManifest(manifest.descriptor.digest, signal)).toEqual({
        ...{ digest: manifest.descriptor.digest, mediaType: OCI.manifest, bytes: manifest.bytes },
      });
      const { digest, size } = blob(text("never pushed"));
      const lacking = encodeArtifact({
        ...{ artifactType: "application/vnd.example", sourceDateEpoch: 0 },
        files: [{ title: "file", mediaType: BYTES, digest, size }],
      });
      await expect(store.pushManifest(OCI.manifest, lacking.bytes, signal)).rejects.toMatchObject({
        code: "RegistryRefused",
      });
      expect(await store.readManifest(lacking.descriptor.digest, signal)).toBeNull();
    });

    it("never moves a tag", async () => {
      const store = await make();
      const [one, two] = [await push(store, "one"), await push(store, "two")];
      await store.tag("v1", one.descriptor.digest, signal);
      await store.tag("v1", one.descriptor.digest, signal);
      expect(await store.resolveTag("v1", signal)).toBe(one.descriptor.digest);
      await expect(store.tag("v1", two.descriptor.digest, signal)).rejects.toMatchObject({ code: "TagConflict" });
      expect(await store.resolveTag("v1", signal)).toBe(one.descriptor.digest);
      await store.tag("v1-again", one.descriptor.digest, signal);
      expect(await store.resolveTag("v1-again", signal)).toBe(one.descriptor.digest);
      await expect(store.tag("v2", blob(text("none")).digest, signal)).rejects.toMatchObject({ code: "NotFound" });
      await expect(store.tag("../v2", one.descriptor.digest, signal)).rejects.toMatchObject({ code: "Usage" });
    });

    it("finds every referrer of a manifest, even those that were attached side by side", async () => {
      const store = await make();
      const [one, two] = [await push(store, "one"), await push(store, "two")];
      const attached = await Promise.all(
        Array.from({ length: 6 }, (_, index) => attach(store, one.descriptor, "x".repeat(index + 1))),
      );
      await attach(store, two.descriptor, "about two");
      const found = await store.referrers(one.descriptor.digest, signal);
      expect(found.map(({ digest }) => digest)).toEqual(attached.toSorted());
      expect(found[0]?.annotations).toMatchObject({ "dev.sigstore.bundle.predicateType": "t" });
      await attach(store, one.descriptor, "x");
      expect((await store.referrers(one.descriptor.digest, signal)).length).toBe(6);
    });

    it("may be told everything twice", async () => {
      const store = await make();
      const [first, second] = [await push(store, "same"), await push(store, "same")];
      expect(second.descriptor).toEqual(first.descriptor);
    });
  });
}

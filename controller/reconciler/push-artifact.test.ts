import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { fakeArtifactStore, fakeRegistry, textFile } from "../../test/fakes/artifact-store.ts";
import { encodeArtifact } from "../domain/artifact-manifest.ts";
import { type Descriptor, OCI } from "../domain/oci.ts";
import type { BlobSource } from "../ports/artifact-store.ts";
import { copyArtifact, pushArtifact } from "./push-artifact.ts";

const signal = new AbortController().signal;

/** An artifact of as many files, and where their bytes are. */
function artifact(...texts: readonly string[]) {
  const parts = texts.map(textFile);
  const files = parts.map(({ file }) => file);
  const sources = new Map<string, BlobSource>(parts.map(({ file, source }) => [file.digest, source]));
  return { manifest: encodeArtifact({ artifactType: "a/b", files, sourceDateEpoch: 0 }), sources, files };
}

const six = artifact("one", "two", "three", "four", "five", "six");

describe("pushing an artifact", () => {
  it("pushes its blobs, then its manifest, and may be done again", async () => {
    const store = fakeArtifactStore().store;
    const { digest } = six.manifest.descriptor;
    expect(await pushArtifact(store, six.manifest, six.sources, signal)).toBe(digest);
    expect(await pushArtifact(store, six.manifest, six.sources, signal)).toBe(digest);
    for (const file of six.files) {
      expect(String(await store.readBlob(file, buffer, signal))).toBe(file.title);
    }
  });
  it("stops at the first blob that cannot be pushed, and pushes no manifest", async () => {
    const store = fakeArtifactStore().store;
    const pushed: string[] = [];
    const broken = {
      ...store,
      pushBlob: async ({ digest }: Descriptor) => {
        pushed.push(digest);
        throw new Error("broken");
      },
    };
    await expect(pushArtifact(broken, six.manifest, six.sources, signal)).rejects.toThrow("broken");
    expect(pushed.length).toBeLessThan(7);
    expect(await store.readManifest(six.manifest.descriptor.digest, signal)).toBeNull();
  });
  it("wants to know where each blob is", async () => {
    const store = fakeArtifactStore().store;
    const attempt = pushArtifact(store, six.manifest, new Map(), signal);
    await expect(attempt).rejects.toMatchObject({ code: "Internal" });
  });
});

describe("copying an artifact", () => {
  it("takes all that an index refers to", async () => {
    const [from, to] = [
      fakeArtifactStore("registry.example/staging").store,
      fakeArtifactStore("other.example/images").store,
    ];
    const parts = [artifact("one", "two"), artifact("two", "three")];
    for (const { manifest, sources } of parts) await pushArtifact(from, manifest, sources, signal);
    const manifests = parts.map(({ manifest }) => manifest.descriptor);
    const text = JSON.stringify({ schemaVersion: 2, mediaType: OCI.index, manifests });
    const index = await from.pushManifest(OCI.index, new TextEncoder().encode(text), signal);
    await copyArtifact(from, to, index, signal);
    expect(await to.readManifest(index, signal)).toEqual(await from.readManifest(index, signal));
    expect(await to.hasBlob(textFile("three").file.digest, signal)).toBe(true);
  });
  it("mounts blobs within a registry: none is read", async () => {
    const open = fakeRegistry();
    const [from, to] = [open("registry.example/staging").store, open("registry.example/images").store];
    await pushArtifact(from, six.manifest, six.sources, signal);
    const unread = { ...from, readBlob: () => Promise.reject(new Error("read")) };
    await copyArtifact(unread, to, six.manifest.descriptor.digest, signal);
    expect(await to.readManifest(six.manifest.descriptor.digest, signal)).not.toBeNull();
  });
  it("says what is not there", async () => {
    const [from, to] = [fakeArtifactStore("a.example/a").store, fakeArtifactStore("b.example/b").store];
    const attempt = copyArtifact(from, to, textFile("x").file.digest, signal);
    await expect(attempt).rejects.toMatchObject({ code: "RegistryUnavailable", kind: "transient" });
  });
});

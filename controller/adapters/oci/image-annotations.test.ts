import { describe, expect, it } from "vitest";
import { fakeArtifactStore } from "../../../test/fakes/artifact-store.ts";
import { digestOf } from "../../../builders/contract/digest.ts";
import { OCI } from "../../domain/oci.ts";
import { imageAnnotations } from "./image-annotations.ts";

const never = new AbortController().signal;
const bytes = (value: object) => new TextEncoder().encode(JSON.stringify(value));
const image = (toolchain: string) =>
  bytes({ schemaVersion: 2, mediaType: OCI.manifest, layers: [], annotations: { toolchain } });

describe("the annotations of an image", () => {
  it("are its manifest's", async () => {
    const { store } = fakeArtifactStore("registry.example/builder");
    const digest = await store.pushManifest(OCI.manifest, image("a"), never);
    expect(await imageAnnotations(store, digest, never)).toEqual([{ toolchain: "a" }]);
  });
  it("are those of each platform of an index", async () => {
    const { store } = fakeArtifactStore("registry.example/builder");
    const manifests = [];
    for (const name of ["a", "b"]) {
      const digest = await store.pushManifest(OCI.manifest, image(name), never);
      manifests.push({ mediaType: OCI.manifest, digest, size: image(name).byteLength });
    }
    const index = bytes({ schemaVersion: 2, mediaType: OCI.index, manifests });
    const digest = await store.pushManifest(OCI.index, index, never);
    expect(await imageAnnotations(store, digest, never)).toEqual([{ toolchain: "a" }, { toolchain: "b" }]);
  });
  it("of an image that is not there are an error that names it", async () => {
    const { store } = fakeArtifactStore("registry.example/builder");
    await expect(imageAnnotations(store, digestOf("none"), never)).rejects.toMatchObject({
      code: "InputMissing",
      message: expect.stringContaining(digestOf("none")) as string,
    });
  });
});

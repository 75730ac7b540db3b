import { describe, expect, it } from "vitest";
import { digestOf } from "../../builders/contract/digest.ts";
import { lockDigest } from "../../builders/contract/lock.ts";
import { releaseLock, TOOLCHAIN } from "../../test/fakes/locked-image.ts";
import { encodeImage, type ImageContent, TOOLCHAIN_LABEL, toolchainFault } from "./image.ts";
import { readManifestLinks } from "./manifest-links.ts";

const layer = (name: string) => ({
  blob: { mediaType: "application/vnd.oci.image.layer.v1.tar+zstd", digest: digestOf(`${name}.zst`), size: 7 },
  diffId: digestOf(name),
  comment: name,
});
const content: ImageContent = {
  arch: "amd64",
  layers: [layer("root"), layer("files")],
  labels: { [TOOLCHAIN_LABEL]: lockDigest(TOOLCHAIN) },
  sourceDateEpoch: 1795392000,
  user: "65532:65532",
  entrypoint: ["/imgrel/bin/node", "/imgrel/builders/main.ts"],
  command: ["boot"],
  workingDirectory: "/w",
  env: { TZ: "UTC", HOME: "/w" },
};

describe("an image", () => {
  it("has a configuration as the OCI image-spec writes it", () => {
    expect(JSON.parse(new TextDecoder().decode(encodeImage(content).config))).toEqual({
      created: "2026-11-23T00:00:00Z",
      architecture: "amd64",
      os: "linux",
      config: {
        User: "65532:65532",
        Env: ["HOME=/w", "TZ=UTC"],
        Entrypoint: ["/imgrel/bin/node", "/imgrel/builders/main.ts"],
        Cmd: ["boot"],
        WorkingDir: "/w",
        Labels: { [TOOLCHAIN_LABEL]: lockDigest(TOOLCHAIN) },
      },
      rootfs: { type: "layers", diff_ids: [digestOf("root"), digestOf("files")] },
      history: ["root", "files"].map((comment) => ({
        ...{ created: "2026-11-23T00:00:00Z", created_by: "imgrel images", comment },
      })),
    });
  });
  it("has a manifest that names configuration and layers, in order", () => {
    const { config, manifest } = encodeImage(content);
    const { blobs, descriptor } = readManifestLinks(manifest.descriptor.mediaType, manifest.bytes);
    expect(blobs.map(({ digest }) => digest)).toEqual([digestOf(config), digestOf("root.zst"), digestOf("files.zst")]);
    expect(blobs[0]).toMatchObject({ mediaType: "application/vnd.oci.image.config.v1+json", size: config.byteLength });
    expect(descriptor).toMatchObject(manifest.descriptor);
  });
  it("is the same in whatever order its variables are given", () => {
    const other = encodeImage({ ...content, env: { HOME: "/w", TZ: "UTC" } });
    expect(other.manifest.descriptor).toEqual(encodeImage(content).manifest.descriptor);
  });
});

describe("the toolchain of an image", () => {
  const { manifest } = encodeImage(content);
  const { annotations } = readManifestLinks(manifest.descriptor.mediaType, manifest.bytes).descriptor;
  it("fits a lock that names it", () => {
    expect(toolchainFault(releaseLock([]), annotations)).toBeUndefined();
  });
  it.each([
    ["a lock of another one", { toolchain: digestOf("other") }, annotations, `toolchain ${digestOf("other")}`],
    ["an image without one", releaseLock([]), undefined, "has none"],
    ["a toolchain's own lock", TOOLCHAIN, annotations, "toolchain none"],
    ["neither naming one", TOOLCHAIN, {}, "toolchain none"],
  ])("does not fit: %s", (_, lock, found, says) => {
    expect(toolchainFault(lock, found)?.message).toContain(says);
  });
});

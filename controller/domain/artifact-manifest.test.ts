import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../builders/contract/digest.ts";
import { IMG_VARIANTS, VARIANTS } from "../../builders/contract/variant.ts";
import { bundleReferrer, encodeArtifact, type NamedBlob, variantArtifact } from "./artifact-manifest.ts";
import { artifactTag, checkedTag, inputsTag, referrersTag, TAG } from "./artifact-names.ts";
import { MAX_MANIFEST_BYTES, readManifestLinks } from "./manifest-links.ts";
import { ArtifactManifest, EMPTY_DESCRIPTOR, indexDescriptors, OCI } from "./oci.ts";

const EPOCH = 1767225600;
const file = (title: string): NamedBlob => ({ title, digest: digestOf(title), size: title.length });
const parse = (bytes: Uint8Array) => ArtifactManifest.parse(JSON.parse(new TextDecoder().decode(bytes)));
const layersOf = (bytes: Uint8Array) =>
  parse(bytes).layers.map(({ mediaType, annotations }) => [annotations?.["org.opencontainers.image.title"], mediaType]);

describe("an artifact's manifest", () => {
  it("is these bytes, for ever: a published digest depends on each", () => {
    const { bytes, descriptor } = encodeArtifact({
      artifactType: "application/vnd.example.v1",
      files: [{ ...file("a"), mediaType: "text/plain" }],
      sourceDateEpoch: EPOCH,
      subject: { ...EMPTY_DESCRIPTOR, artifactType: "left out" },
      annotations: { z: "1" },
    });
    expect(new TextDecoder().decode(bytes)).toBe(
      '{"annotations":{"org.opencontainers.image.created":"2026-01-01T00:00:00Z","z":"1"},' +
        '"artifactType":"application/vnd.example.v1",' +
        '"config":{"data":"e30=","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",' +
        '"mediaType":"application/vnd.oci.empty.v1+json","size":2},' +
        '"layers":[{"annotations":{"org.opencontainers.image.title":"a"},' +
        '"digest":"sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb","mediaType":"text/plain","size":1}],' +
        '"mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2,' +
        '"subject":{"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",' +
        '"mediaType":"application/vnd.oci.empty.v1+json","size":2}}',
    );
    expect(descriptor).toEqual({
      mediaType: OCI.manifest,
      digest: digestOf(bytes),
      size: bytes.byteLength,
      artifactType: "application/vnd.example.v1",
    });
  });
  it.each(["", "/etc/passwd", "../x", "a/../b", "a\nb", "a//b"])("has no file named %j", (title) => {
    const files = [{ ...file(title), mediaType: "text/plain" }];
    const encode = () => encodeArtifact({ artifactType: "a/b", files, sourceDateEpoch: EPOCH });
    expect(encode).toThrow(expect.objectContaining({ code: "SpecInvalid" }));
  });
  it("has no two files of one name", () => {
    const files = [file("a"), file("a")].map((one) => ({ ...one, mediaType: "text/plain" }));
    const encode = () => encodeArtifact({ artifactType: "a/b", files, sourceDateEpoch: EPOCH });
    expect(encode).toThrow(expect.objectContaining({ code: "Internal" }));
  });
});

describe("a variant's artifact", () => {
  const disk = [file("installer.img"), file("installer.img.attestation-bundle"), file("installer.img.cosign-bundle")];
  it.each(IMG_VARIANTS)("of %s has exactly the three layers that the platform ingests", (variant) => {
    const { bytes, descriptor } = variantArtifact(variant, disk, EPOCH);
    expect(descriptor.artifactType).toBe("application/vnd.powernode.disk-image.v1");
    expect(layersOf(bytes)).toEqual([
      ["installer.img", "application/octet-stream"],
      ["installer.img.cosign-bundle", "application/vnd.dev.cosign.bundle.v1+json"],
      ["installer.img.attestation-bundle", "application/vnd.dev.cosign.attestation.v1+json"],
    ]);
  });
  it.each([
    ["no image", disk.slice(1)],
    ["no bundle", disk.slice(0, 2)],
    ["two images", [...disk, file("b.img")]],
    ["a file besides", [...disk, file("README")]],
    ["nothing", []],
  ])("of a disk image with %s is an error", (_, files) => {
    expect(() => variantArtifact("raw", files, EPOCH)).toThrow(expect.objectContaining({ code: "Internal" }));
  });
  it.each(VARIANTS.filter((variant) => !IMG_VARIANTS.includes(variant) && variant !== "oci"))(
    "of %s has a layer per file, in order of name, whatever order they came in",
    (variant) => {
      const files = [file("vmlinuz"), file("initrd.img"), file("boot/x")];
      const { bytes, descriptor } = variantArtifact(variant, files, EPOCH);
      expect(descriptor.artifactType).toBe("application/vnd.powernode.boot-artifact.v1");
      expect(layersOf(bytes).map(([title]) => title)).toEqual(["boot/x", "initrd.img", "vmlinuz"]);
      expect(variantArtifact(variant, files.toReversed(), EPOCH)).toEqual({ bytes, descriptor });
      expect(() => variantArtifact(variant, [], EPOCH)).toThrow("has no files");
    },
  );
  it("does not exist for oci, which is an image", () => {
    expect(() => variantArtifact("oci", [file("a")], EPOCH)).toThrow(expect.objectContaining({ code: "Internal" }));
  });
});

describe("a bundle as a referrer", () => {
  const subject = variantArtifact("iso", [file("a.iso")], EPOCH).descriptor;
  it("says what it is and of what, as cosign does", () => {
    const bundle = { ...file("provenance.sigstore.json"), predicateType: "https://slsa.dev/provenance/v1" };
    const { bytes } = bundleReferrer(subject, bundle, EPOCH);
    const type = "application/vnd.dev.sigstore.bundle.v0.3+json";
    expect(parse(bytes)).toMatchObject({ artifactType: type, layers: [{ mediaType: type, digest: bundle.digest }] });
    const links = readManifestLinks(OCI.manifest, bytes);
    expect(links.subject).toBe(subject.digest);
    expect(links.descriptor).toMatchObject({
      artifactType: type,
      annotations: {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1",
      },
    });
  });
  it("of a message signature has no predicate type", () => {
    const { bytes } = bundleReferrer(subject, file("a.sigstore.json"), EPOCH);
    expect(parse(bytes).annotations).toEqual({
      "dev.sigstore.bundle.content": "message-signature",
      "org.opencontainers.image.created": "2026-01-01T00:00:00Z",
    });
  });
});

describe("what a manifest refers to", () => {
  const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  it("is found in images and indexes of others too", () => {
    const image = { schemaVersion: 2, config: EMPTY_DESCRIPTOR, layers: [EMPTY_DESCRIPTOR] };
    const links = readManifestLinks(OCI.manifest, encode(image));
    expect(links).toMatchObject({ blobs: [EMPTY_DESCRIPTOR, EMPTY_DESCRIPTOR], manifests: [], subject: undefined });
    expect(links.descriptor.artifactType).toBe(OCI.empty);
    const index = { schemaVersion: 2, manifests: [EMPTY_DESCRIPTOR], platform: { os: "linux" } };
    expect(readManifestLinks(OCI.index, encode(index)).manifests).toEqual([EMPTY_DESCRIPTOR]);
  });
  it.each([
    ["no JSON", new TextEncoder().encode("{")],
    ["no UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d)],
    ["of another media type", encode({ mediaType: OCI.index })],
    ["of no digests", encode({ layers: [{ mediaType: "a/b", digest: "sha256:../x", size: 1 }] })],
    ["too long", new Uint8Array(MAX_MANIFEST_BYTES + 1)],
  ])("cannot be read if it is %s", (_, bytes) => {
    expect(() => readManifestLinks(OCI.manifest, bytes)).toThrow(expect.objectContaining({ code: "RegistryRefused" }));
  });
  it("leaves out entries of an index that have no SHA-256 digest", () => {
    const foreign = { digest: `sha512:${"0".repeat(128)}`, mediaType: "a/b", size: 1 };
    expect(indexDescriptors({ schemaVersion: 2, manifests: [foreign, EMPTY_DESCRIPTOR] })).toEqual([EMPTY_DESCRIPTOR]);
  });
});

describe("names", () => {
  it("of artifacts and archives are tags", () => {
    expect(artifactTag("ubuntu-24.04-2026.11.23-1", "arm64", "disk-image-rpi4")).toBe(
      "ubuntu-24.04-2026.11.23-1-arm64-disk-image-rpi4",
    );
    expect(inputsTag(`sha256:${"a".repeat(64)}`)).toBe(`inputs-${"a".repeat(64)}`);
    expect(referrersTag(`sha256:${"a".repeat(64)}`)).toBe(`sha256-${"a".repeat(64)}`);
    expect(() => artifactTag("x".repeat(120), "arm64", "raw")).toThrow(expect.objectContaining({ code: "Usage" }));
  });
  it("that are no tags are refused, all others taken", () => {
    const grammar = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/; // distribution-spec 1.1
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 140 }), fc.stringMatching(/^[A-Za-z0-9._-]{1,130}$/)), (text) => {
        if (grammar.test(text)) expect(checkedTag(text)).toBe(text);
        else expect(() => checkedTag(text)).toThrow(expect.objectContaining({ code: "Usage" }));
      }),
    );
    expect(TAG.maxLength).toBe(128);
  });
});

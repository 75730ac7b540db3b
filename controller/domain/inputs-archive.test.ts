import { describe, expect, it } from "vitest";
import { digestOf } from "../../builders/contract/digest.ts";
import { type Lock, lockDigest } from "../../builders/contract/lock.ts";
import { inputsArchive } from "./inputs-archive.ts";
import { ArtifactManifest } from "./oci.ts";

const suite = (date: string): Lock["suites"][number] => ({
  ...{ archive: "debian", suite: "trixie", components: ["main"], snapshot: null, inRelease: digestOf(date), date },
  ...{ keyring: "debian-archive-keyring.gpg", rolling: false },
});
const pack = (name: string, role: "target" | "builder", content = name): Lock["packages"][number] => ({
  ...{ name, version: "1.0-1", arch: "amd64", size: 7, sha256: digestOf(content).slice(7), role, suite: "trixie" },
  path: `pool/main/${name}/${name}_1.0-1_amd64.deb`,
});
const toolchain = (packages = [pack("zstd", "builder")]): Lock => ({
  ...{ schemaVersion: 1, kind: "toolchain", arch: "amd64", requested: ["zstd"], toolchain: null, packages },
  suites: [suite("20261101T000000Z")],
});
const lock = (tools: Lock, packages = [pack("bash", "target")]): Lock => ({
  ...{ schemaVersion: 1, kind: "release", arch: "amd64", requested: ["bash"], toolchain: lockDigest(tools), packages },
  suites: [suite("20261123T193001Z")],
});
const manifestOf = (bytes: Uint8Array) => ArtifactManifest.parse(JSON.parse(new TextDecoder().decode(bytes)));

describe("the archive of inputs", () => {
  it("holds both locks and each package once, and is dated by the newest index", () => {
    const tools = toolchain([pack("bash", "builder"), pack("zstd", "builder")]);
    const release = lock(tools);
    const archive = inputsArchive({ lock: release, toolchain: tools });
    const { layers, annotations } = manifestOf(archive.manifest.bytes);
    expect(layers.map((layer) => layer.annotations?.["org.opencontainers.image.title"])).toEqual([
      ...["lock.amd64.json", "toolchain.lock.amd64.json", "bash_1.0-1_amd64.deb", "zstd_1.0-1_amd64.deb"],
    ]);
    expect(annotations?.["org.opencontainers.image.created"]).toBe("2026-11-23T19:30:01Z");
    expect(archive.tag).toBe(`inputs-${lockDigest(release).slice(7)}`);
    expect([...archive.documents.keys()][0]).toBe(lockDigest(release));
    expect(archive.packages.length).toBe(2);
  });
  it("names by hash what two archives call the same", () => {
    const tools = toolchain([pack("bash", "builder", "another build")]);
    const { layers } = manifestOf(inputsArchive({ lock: lock(tools), toolchain: tools }).manifest.bytes);
    const titles = layers.slice(2).map((layer) => layer.annotations?.["org.opencontainers.image.title"]);
    expect(titles).toEqual([digestOf("bash"), digestOf("another build")].map((d) => `${d.slice(7)}.deb`).toSorted());
  });
  it("is refused for another toolchain than the lock names", () => {
    const tools = toolchain();
    const other = toolchain([pack("xz", "builder")]);
    expect(() => inputsArchive({ lock: lock(tools), toolchain: other })).toThrow(/not for/);
  });
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { unpackTar } from "modern-tar";
import { afterEach, beforeEach, expect, it } from "vitest";
import { BuildRequest } from "../../../builders/contract/build-request.ts";
import { sha256Hex } from "../../../builders/contract/digest.ts";
import { fakeArtifactStore } from "../../../test/fakes/artifact-store.ts";
import { lockedPackage, releaseLock } from "../../../test/fakes/locked-image.ts";
import { openLayout } from "../oci/layout.ts";
import { readManifestLinks } from "../../domain/manifest-links.ts";
import { inputsImage } from "./inputs-image.ts";

const signal = new AbortController().signal;
const CONTENTS = ["first package", "second package"];
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-inputs-"));
  await writeFile(join(folder, "busybox"), "static", { mode: 0o755 });
  for (const content of CONTENTS) await writeFile(join(folder, sha256Hex(content)), content);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const request: BuildRequest = {
  ...{ schemaVersion: 1, release: "demo", version: "1", arch: "amd64", variants: ["raw"] },
  ...{ kernelPackage: "linux-image", sourceDateEpoch: 0, gitSha: "a".repeat(40), baseImageDigest: null },
  aptSnapshot: "20261123T193000Z",
  lock: releaseLock(
    CONTENTS.map((content, nth) => ({
      ...lockedPackage(`package${nth}`, "1.0", "target"),
      ...{ sha256: sha256Hex(content), size: content.length },
    })),
  ),
};
const make = () =>
  inputsImage({ request, copier: join(folder, "busybox"), pathOf: (sha256) => join(folder, sha256), signal });

it("has the request and every package where a builder looks for them, and a program that copies them", async () => {
  const image = await make();
  const { store } = fakeArtifactStore();
  const { blobs } = readManifestLinks(image.manifest.descriptor.mediaType, image.manifest.bytes);
  for (const blob of blobs) {
    const source = image.sources.get(blob.digest);
    if (source === undefined) throw new Error(`no source of ${blob.digest}`);
    await store.pushBlob(blob, source, signal);
  }
  await store.pushManifest(image.manifest.descriptor.mediaType, image.manifest.bytes, signal);
  const layer = blobs.at(-1);
  if (layer === undefined) throw new Error("no layer");
  const entries = await unpackTar(await store.readBlob(layer, buffer, signal), { strict: true });
  const files = new Map(entries.flatMap(({ header, data }) => (data === undefined ? [] : [[header.name, data]])));
  const text = (name: string) => new TextDecoder().decode(files.get(name));
  for (const content of CONTENTS) {
    const sha256 = sha256Hex(content);
    expect(text(`inputs/blobs/${sha256.slice(0, 2)}/${sha256}`)).toBe(content);
  }
  expect(BuildRequest.parse(JSON.parse(text("inputs/request.json")))).toEqual(request);
  expect(entries.find(({ header }) => header.name === "bin/busybox")?.header.mode).toBe(0o755);
  expect(JSON.parse(new TextDecoder().decode(image.config))).toMatchObject({
    config: { User: "65532:65532", Entrypoint: ["/bin/busybox"], Cmd: ["cp", "-r", "/inputs/.", "/in/"] },
  });
});

it("is the same whenever it is made", async () => {
  const first = await make();
  expect((await make()).manifest.descriptor).toEqual(first.manifest.descriptor);
});

it("has no package but those of the lock", async () => {
  await writeFile(join(folder, sha256Hex("first package")), "third package");
  await expect(make()).rejects.toMatchObject({ code: "InputDigestMismatch" });
  await rm(join(folder, sha256Hex("first package")));
  await expect(make()).rejects.toMatchObject({ code: "InputMissing" });
});

it("is not stored if a package changes before it is", async () => {
  const image = await make();
  const layer = readManifestLinks(image.manifest.descriptor.mediaType, image.manifest.bytes).blobs.at(-1);
  const source = image.sources.get(layer?.digest ?? "");
  if (layer === undefined || source === undefined) throw new Error("no layer");
  await writeFile(join(folder, sha256Hex("first package")), "other package");
  const target = openLayout({ directory: join(folder, "layout"), name: "layout" });
  await expect(target.pushBlob(layer, source, signal)).rejects.toMatchObject({ code: "InputDigestMismatch" });
  expect(await target.hasBlob(layer.digest, signal)).toBe(false);
});

it("needs its copier", async () => {
  await rm(join(folder, "busybox"));
  await expect(make()).rejects.toMatchObject({ code: "InputMissing", message: `${folder}/busybox is not a file` });
});

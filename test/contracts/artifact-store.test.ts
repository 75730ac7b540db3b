import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../builders/contract/digest.ts";
import { openLayout } from "../../controller/adapters/oci/layout.ts";
import { fakeArtifactStore } from "../fakes/artifact-store.ts";
import { artifactStoreContract } from "./artifact-store-contract.ts";

let folder = "";
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "layout-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
const directory = () => join(folder, `layout-${(count += 1)}`);
const signal = new AbortController().signal;

artifactStoreContract("the fake", async () => fakeArtifactStore().store);
artifactStoreContract("an image layout", async () => openLayout({ directory: directory(), name: "layout" }));

describe("an image layout", () => {
  const content = Buffer.concat([Buffer.from("head"), Buffer.alloc(8 * 1024 * 1024), Buffer.from("tail")]);
  const descriptor = { mediaType: "application/octet-stream", digest: digestOf(content), size: content.length };

  it("keeps a finished file by a second name, read-only, and any other sparse", async () => {
    const path = join(folder, "image");
    await writeFile(path, content);
    const [linked, copied] = [directory(), directory()];
    await openLayout({ directory: linked, name: "l" }).pushBlob(
      descriptor,
      { kind: "file", path, finished: true },
      signal,
    );
    await openLayout({ directory: copied, name: "l" }).pushBlob(descriptor, { kind: "file", path }, signal);
    const blob = (at: string) => join(at, "blobs/sha256", descriptor.digest.slice(7));
    expect((await stat(blob(linked))).ino).toBe((await stat(path)).ino);
    expect((await stat(blob(linked))).mode & 0o777).toBe(0o444);
    expect((await stat(blob(copied))).ino).not.toBe((await stat(path)).ino);
    expect((await stat(blob(copied))).blocks * 512).toBeLessThan(1024 * 1024);
  });

  it("links no file that is not what it should be", async () => {
    const path = join(folder, "changed");
    await writeFile(path, "changed");
    const at = directory();
    const push = openLayout({ directory: at, name: "l" }).pushBlob(
      descriptor,
      { kind: "file", path, finished: true },
      signal,
    );
    await expect(push).rejects.toMatchObject({ code: "InputDigestMismatch" });
    await expect(stat(join(at, "blobs/sha256", descriptor.digest.slice(7)))).rejects.toMatchObject({ code: "ENOENT" });
    expect(await readFile(path, "utf8")).toBe("changed");
  });

  it("notices that a blob was changed", async () => {
    const at = directory();
    const store = openLayout({ directory: at, name: "l" });
    await store.pushBlob(descriptor, { kind: "bytes", bytes: content }, signal);
    const path = join(at, "blobs/sha256", descriptor.digest.slice(7));
    await rm(path);
    await writeFile(path, Buffer.concat([Buffer.from("Head"), content.subarray(4)]));
    const read = store.readBlob(descriptor, async (chunks) => (await Array.fromAsync(chunks)).length, signal);
    await expect(read).rejects.toMatchObject({ code: "RegistryDigestMismatch" });
  });

  it("says that a folder is no layout", async () => {
    const at = directory();
    await openLayout({ directory: at, name: "l" }).pushBlob(descriptor, { kind: "bytes", bytes: content }, signal);
    await writeFile(join(at, "index.json"), "{");
    await expect(openLayout({ directory: at, name: "l" }).resolveTag("v1", signal)).rejects.toMatchObject({
      code: "RegistryRefused",
    });
  });
});

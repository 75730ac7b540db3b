import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Digest, digestOf } from "../../../builders/contract/digest.ts";
import { exec } from "../../../builders/host/exec.ts";
import { openLayout } from "../../../controller/adapters/oci/layout.ts";
import { type Descriptor, OCI } from "../../../controller/domain/oci.ts";
import type { ArtifactStore } from "../../../controller/ports/artifact-store.ts";
import { printed } from "./cluster.ts";

/** Repository of the images that every cluster has; each is busybox, its tag says what it runs. */
export const IMAGES = "localhost/busybox";
const COMMANDS = { "1": ["/bin/sh"], pause: ["/bin/busybox", "sleep", "infinity"] } as const;

/** GNU tar's options for the same bytes from the same files. */
const SAME_BYTES = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"];

/** Writes a folder's content as a tar archive. */
const pack = async (folder: string, archive: string): Promise<void> =>
  void printed(await exec({ program: "tar", args: [...SAME_BYTES, "-C", folder, "-cf", archive, "."] }));

/** A root file system of nothing but busybox, under all its names. */
async function busyboxRoot(nodeRoot: string, folder: string): Promise<void> {
  for (const name of ["bin", "etc", "proc", "sys", "dev", "root", "tmp"]) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await chmod(join(folder, "tmp"), 0o1777);
  const busybox = join(folder, "bin/busybox");
  await copyFile(join(nodeRoot, "usr/bin/busybox"), busybox);
  const names = printed(await exec({ program: busybox, args: ["--list"] })).split("\n");
  for (const name of names.filter((one) => one !== "" && one !== "busybox")) {
    await symlink("busybox", join(folder, "bin", name));
  }
  await writeFile(join(folder, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
}

/** A layer of these files, each with its text, which anybody may execute. */
export async function fileLayer(scratch: string, files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const folder = await mkdtemp(join(scratch, "layer-"));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, "root", path)), { recursive: true });
    await writeFile(join(folder, "root", path), text, { mode: 0o755 });
  }
  await pack(join(folder, "root"), join(folder, "layer.tar"));
  const layer = await readFile(join(folder, "layer.tar"));
  await rm(folder, { recursive: true });
  return layer;
}

/** Stores an image of layers, tar archives (OCI image-spec 1.1, config.md), and tags it. */
export async function storeImage(
  store: ArtifactStore,
  layers: readonly Uint8Array[],
  command: readonly string[],
  tag: string,
  signal: AbortSignal,
): Promise<Digest> {
  const put = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    await store.pushBlob(descriptor, { kind: "bytes", bytes }, signal);
    return descriptor;
  };
  const json = (value: object) => new TextEncoder().encode(JSON.stringify(value));
  const stored: Descriptor[] = [];
  for (const layer of layers) stored.push(await put("application/vnd.oci.image.layer.v1.tar", layer));
  const config = json({
    architecture: "amd64",
    os: "linux",
    config: { Cmd: command, Env: ["PATH=/bin"] },
    rootfs: { type: "layers", diff_ids: stored.map(({ digest }) => digest) },
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI.manifest,
    config: await put("application/vnd.oci.image.config.v1+json", config),
    layers: stored,
  };
  const digest = await store.pushManifest(OCI.manifest, json(manifest), signal);
  await store.tag(tag, digest, signal);
  return digest;
}

/** The layer of busybox that makeImages left in a cluster's folder. */
export const busyboxLayer = (folder: string): Promise<Uint8Array> => readFile(join(folder, "busybox.tar"));

/** Makes `images.tar` in a cluster's folder, for containerd: `localhost/busybox:1`, and `:pause` for each pod's first process. */
export async function makeImages(nodeRoot: string, folder: string, signal: AbortSignal): Promise<void> {
  const [root, directory] = [join(folder, "busybox"), join(folder, "images")];
  await busyboxRoot(nodeRoot, root);
  await pack(root, join(folder, "busybox.tar"));
  await rm(root, { recursive: true });
  const store = openLayout({ directory, name: IMAGES });
  const layers = [await busyboxLayer(folder)];
  for (const [tag, command] of Object.entries(COMMANDS)) await storeImage(store, layers, command, tag, signal);
  await pack(directory, join(folder, "images.tar"));
  await rm(directory, { recursive: true });
}

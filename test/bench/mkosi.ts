import { chmod, copyFile, cp, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type Lock, parseLock, serializeLock } from "../../builders/contract/lock.ts";
import { ToolchainPackages } from "../../builders/contract/package-request.ts";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { blobPath } from "../../builders/host/cache.ts";
import { exec, type Outcome, PLAIN_ENV } from "../../builders/host/exec.ts";
import { sha256File, writeFileAtomic } from "../../builders/host/files.ts";
import { ensureToolchain, type Toolchain } from "../../builders/host/toolchain.ts";
import { fetchLocks } from "../../controller/commands/fetch.ts";
import { LOCAL_CLASS, readClass, readTextIfThere } from "../../controller/commands/lock-files.ts";
import { composeLock, toolchainRequest } from "../../controller/domain/lock-request.ts";
import { createPackageArchive, createPackageStore, inspectPath } from "../../controller/wiring.ts";
import { PROJECT } from "../imgrel.ts";
import { CACHE, SIGNAL } from "./demo.ts";

/** The version that the comparison is with: Debian trixie's. */
const VERSION = /^25\.3-/;
const FOLDER = join(PROJECT, "test/bench/mkosi");
/** Scripts, and the names by which mkosi knows when to run which. */
const SCRIPTS = [
  ["initrd.sh", "mkosi.postinst.chroot"],
  ["compress.sh", "mkosi.finalize"],
] as const;
const STUB = "usr/lib/systemd/boot/efi/linuxx64.efi.stub";

/** A root with mkosi in it, resolved once per list of packages, then taken from the cache. */
export async function mkosiRoot(): Promise<Toolchain & { readonly version: string }> {
  const text = await readFile(join(FOLDER, "packages.json"), "utf8");
  const path = join(CACHE, "bench", `mkosi.${sha256Hex(text)}.lock.json`);
  const { spec } = await readClass(LOCAL_CLASS, PROJECT);
  const archive = await createPackageArchive(spec.archives, process.env);
  const known = await readTextIfThere(path);
  let lock: Lock;
  if (known === undefined) {
    const request = toolchainRequest(ToolchainPackages.parse(JSON.parse(text)), "amd64");
    lock = composeLock(request, await archive.resolve(request, SIGNAL), null);
  } else lock = parseLock(known);
  const version = lock.packages.find(({ name }) => name === "mkosi")?.version ?? "none";
  if (!VERSION.test(version)) throw new Error(`mkosi ${version} is not the version that is compared with, ${VERSION}`);
  const report = () => undefined;
  const store = await createPackageStore({ archive, report, env: process.env });
  await fetchLocks(store, [{ lock, what: "mkosi's root", remedy: `remove ${path}` }], SIGNAL);
  const toolchain = await ensureToolchain({ lock, cache: CACHE, project: PROJECT, report, signal: SIGNAL });
  await writeFileAtomic(path, serializeLock(lock));
  return { ...toolchain, version };
}

/**
 * A repository of the lock's packages in the form that mkosi's LocalMirror wants, below `<work>/mirror`.
 * @param index the Packages file of the same packages, as imgrel's builder made it
 */
async function layOutMirror(work: string, lock: Lock, index: string): Promise<void> {
  const suite = lock.suites[0]?.suite ?? "";
  const folder = join(work, "mirror/dists", suite);
  await mkdir(join(folder, "main/binary-amd64"), { recursive: true });
  await mkdir(join(work, "mirror/pool"), { recursive: true });
  for (const [, file = "", sha256 = ""] of index.matchAll(/^Filename: (\.\/pool\/.+)\nSize: \d+\nSHA256: (\w+)$/gm)) {
    const [blob, target] = [blobPath(CACHE, sha256), join(work, "mirror", file)];
    await link(blob, target).catch(() => copyFile(blob, target)); // another file system shares no blocks
  }
  await writeFile(join(folder, "main/binary-amd64/Packages"), index);
  const release = [
    ...["Origin: imgrel", "Label: lock", `Suite: ${suite}`, `Codename: ${suite}`, "Components: main"],
    ...["Architectures: amd64", `Date: ${new Date(0).toUTCString().replace("GMT", "UTC")}`, "SHA256:"],
    ` ${sha256Hex(index)} ${Buffer.byteLength(index)} main/binary-amd64/Packages`,
  ];
  await writeFile(join(folder, "Release"), `${release.join("\n")}\n`);
}

/** Prepares `<work>` for {@link runMkosi}. */
export async function prepareMkosi(work: string, root: string, lock: Lock, index: string): Promise<void> {
  const configuration = join(work, "conf");
  await cp(FOLDER, configuration, { recursive: true });
  for (const [script, name] of SCRIPTS) {
    await copyFile(join(FOLDER, script), join(configuration, name));
    await chmod(join(configuration, name), 0o755);
  }
  await mkdir(join(configuration, "mkosi.conf.d"));
  const names = lock.packages.map(({ name }) => `         ${name}`).join("\n");
  await writeFile(join(configuration, "mkosi.conf.d/packages.conf"), `[Content]\nPackages=\n${names}\n`);
  await cp(join(PROJECT, "dracut.conf.d"), join(configuration, "dracut.conf.d"), { recursive: true });
  const extra = join(configuration, "mkosi.extra");
  await cp(join(PROJECT, "modules.d/90powernode"), join(extra, "usr/lib/dracut/modules.d/90powernode"), {
    recursive: true,
  });
  await mkdir(join(extra, STUB, ".."), { recursive: true });
  await copyFile(join(root, STUB), join(extra, STUB));
  await layOutMirror(work, lock, index);
}

/** One build from nothing: neither mkosi's cache nor an earlier output is there. */
export async function runMkosi(work: string, root: string): Promise<Outcome> {
  for (const folder of ["out", "workspace", "packages", "cache"]) {
    await rm(join(work, folder), { recursive: true, force: true });
    await mkdir(join(work, folder), { recursive: true });
  }
  const namespaces = ["--mount", "--pid", "--net", "--fork", "--kill-child=SIGKILL"];
  const outcome = await exec({
    program: "unshare",
    args: [...namespaces, "sh", join(FOLDER, "enter.sh"), root, work, "mkosi", "build"],
    env: { ...PLAIN_ENV, HOME: "/w", SOURCE_DATE_EPOCH: "1795392000" },
  });
  if (outcome.exitCode !== 0) throw new Error(`mkosi: ${outcome.tail}`);
  return outcome;
}

const Manifest = z.object({ packages: z.array(z.object({ name: z.string(), version: z.string() })) });

/**
 * What mkosi's disk holds, as one line.
 * @throws Error if it is not what the comparison is about: the lock's packages, a kernel with its initramfs on an ESP,
 * an erofs root with that kernel's modules
 */
export async function describeMkosiDisk(work: string, lock: Lock): Promise<string> {
  const manifest = Manifest.parse(JSON.parse(await readFile(join(work, "out/disk.manifest"), "utf8")));
  const installed = new Set(manifest.packages.map(({ name, version }) => `${name} ${version}`));
  const wanted = new Set(lock.packages.map(({ name, version }) => `${name} ${version}`));
  const differing = [...installed.symmetricDifference(wanted)];
  if (differing.length > 0) throw new Error(`mkosi installed other packages: ${differing.join(", ")}`);
  const { artifacts } = await inspectPath(join(work, "out/disk.raw"), { files: false, signal: SIGNAL });
  const disk = artifacts[0]?.content;
  const contents = disk?.format === "gpt" ? disk.partitions.map(({ content }) => content) : [];
  const root = contents.find((content) => content?.format === "erofs");
  const esp = contents.find((content) => content?.format === "fat");
  const uki = esp?.format === "fat" ? esp.holds.find(({ path }) => /BOOTX64\.EFI$/i.test(path))?.content : undefined;
  if (root?.format !== "erofs" || uki?.format !== "pe" || uki.initramfs?.format !== "initramfs") {
    throw new Error("mkosi's disk lacks an erofs root, or a kernel with an initramfs on its ESP");
  }
  if (uki.kernelVersion === null || !root.kernelVersions.includes(uki.kernelVersion)) {
    throw new Error(`the ESP's kernel ${uki.kernelVersion} has no modules in the root`);
  }
  const members = uki.initramfs.segments.reduce((sum, segment) => sum + segment.members, 0);
  const stored = uki.initramfs.segments.reduce((sum, segment) => sum + segment.storedBytes, 0);
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  return `kernel ${uki.kernelVersion}, initramfs ${mb(stored)} of ${members} members, erofs ${mb(root.sizeBytes)}, ${installed.size} packages, sha256 ${(await sha256File(join(work, "out/disk.raw"))).slice(0, 12)}`;
}

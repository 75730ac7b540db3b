import { link, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Lock, type LockedPackage } from "../../builders/contract/lock.ts";
import { blobPath, cacheRoot } from "../../builders/host/cache.ts";
import { readToolchainLock } from "../../controller/commands/lock-files.ts";
import { type FileServer, type Handler, sendFile, startFileServer } from "../fakes/file-server.ts";
import { imgrel, PROJECT } from "../imgrel.ts";

/** Every package of the demo release and of its toolchain; all are in the caller's cache then. */
export async function demoPackages(): Promise<readonly LockedPackage[]> {
  const fetched = await imgrel("fetch", "specs/demo");
  if (fetched.exitCode !== 0) throw new Error(`imgrel fetch: ${fetched.tail}`);
  const release = Lock.parse(JSON.parse(await readFile(join(PROJECT, "specs/demo/lock.amd64.json"), "utf8")));
  return [...release.packages, ...(await readToolchainLock("amd64")).packages];
}

/** A new cache, in `base` as XDG_CACHE_HOME, that shares the bytes of these packages with the caller's. */
export async function linkPackages(packages: readonly LockedPackage[], base: string): Promise<void> {
  for (const { sha256 } of new Map(packages.map((one) => [one.sha256, one])).values()) {
    const path = blobPath(join(base, "imgrel"), sha256);
    await mkdir(dirname(path), { recursive: true });
    await link(blobPath(cacheRoot(process.env), sha256), path);
  }
}

/** An archive on loopback that has these packages, and a class whose only source it is, in `classFile`. */
export async function startDemoArchive(
  packages: readonly LockedPackage[],
  classFile: string,
  handle: (locked: LockedPackage, content: Buffer) => Handler = (_, content) => (request, response) =>
    sendFile(request, response, content),
): Promise<FileServer> {
  const byPath = new Map(packages.map((locked) => [`/${locked.path}`, locked]));
  const server = await startFileServer((request, response, nth) => {
    const locked = byPath.get(decodeURIComponent(request.url ?? ""));
    if (locked === undefined) {
      response.writeHead(404).end();
      return;
    }
    readFile(blobPath(cacheRoot(process.env), locked.sha256)).then(
      (content) => handle(locked, content)(request, response, nth),
      (error: unknown) => response.destroy(error as Error),
    );
  });
  const text = await readFile(join(PROJECT, "deploy/local/class.yaml"), "utf8");
  const sources = `    debian:\n      sources:\n        - kind: mirror\n          url: ${server.url.href}\n`;
  const withMirror = text.replace(/ {4}debian:\n {6}sources:\n(?: {8}.*\n)*/, sources);
  if (withMirror === text) throw new Error("the local class has no archive debian");
  await writeFile(classFile, `${withMirror}  network:\n    allowHTTP: true\n`);
  return server;
}

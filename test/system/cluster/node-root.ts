import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Lock, parseLock, serializeLock } from "../../../builders/contract/lock.ts";
import { ToolchainPackages } from "../../../builders/contract/package-request.ts";
import { cacheRoot } from "../../../builders/host/cache.ts";
import { writeFileAtomic } from "../../../builders/host/files.ts";
import { ensureToolchain } from "../../../builders/host/toolchain.ts";
import { fetchLocks } from "../../../controller/commands/fetch.ts";
import { LOCAL_CLASS, PROJECT, readClass } from "../../../controller/commands/lock-files.ts";
import { composeLock, toolchainRequest } from "../../../controller/domain/lock-request.ts";
import { createPackageArchive, createPackageStore } from "../../../controller/wiring.ts";

const HERE = import.meta.dirname;
const LOCK = join(HERE, "lock.amd64.json");

/** What can be watched and ended of a long step. */
export type Watch = { readonly say: (line: string) => void; readonly signal: AbortSignal };

async function openArchive() {
  const { spec } = await readClass(LOCAL_CLASS, PROJECT);
  return createPackageArchive(spec.archives, process.env);
}

/** Makes the lock of the node's root anew, from packages.json and the archive's present state. */
export async function lockNodeRoot(signal: AbortSignal): Promise<Lock> {
  const wanted = ToolchainPackages.parse(JSON.parse(await readFile(join(HERE, "packages.json"), "utf8")));
  const request = toolchainRequest(wanted, "amd64");
  const lock = composeLock(request, await (await openArchive()).resolve(request, signal), null);
  await writeFileAtomic(LOCK, serializeLock(lock));
  return lock;
}

/**
 * The root file system of a node, made from its lock by the same machinery as the toolchain that builds images. Nothing
 * is installed on the host.
 * @throws ReleaseError if packages cannot be fetched, BuildError if the root cannot be made or was altered
 */
export async function ensureNodeRoot({ say, signal }: Watch): Promise<string> {
  const lock = parseLock(await readFile(LOCK, "utf8"));
  const report = (event: { readonly event: string; readonly step: string }) => {
    if (event.event === "started") say(`the node's root: ${event.step}`);
  };
  const store = await createPackageStore({ archive: await openArchive(), report, env: process.env });
  const remedy = "make its lock anew: npm run cluster -- lock";
  await fetchLocks(store, [{ lock, what: "the test cluster's node", remedy }], signal);
  const cache = cacheRoot(process.env);
  const { root } = await ensureToolchain({ lock, cache, project: PROJECT, report, signal });
  return root;
}

// node test/bench/upload.ts [GIB]: what it takes to publish a large sparse file (default 4 GiB, a quarter of it random):
// time, and the peak memory of the process that does it, which must stay below 200 MiB. Each way is a process of its own.
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheRoot } from "../../builders/host/cache.ts";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import { CHUNK_BYTES, sha256File } from "../../builders/host/files.ts";
import { openLayout } from "../../controller/adapters/oci/layout.ts";
import { openRegistry } from "../../controller/adapters/oci/registry.ts";
import { formatBytes } from "../../controller/domain/format.ts";
import type { ArtifactStore } from "../../controller/ports/artifact-store.ts";
import { startDockerRegistry } from "../docker-registry.ts";
import { toolchainRoot } from "../toolbox.ts";
import { describeUse, watchMachine } from "./machine-state.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const LIMIT = 200 * MIB;
const WAYS = ["registry", "layout-copy", "layout-link"] as const;
const SELF = fileURLToPath(import.meta.url);

/** The measured process: pushes the file one way, and says how long it took and how much memory it needed. */
async function push(way: string, place: string, path: string, digest: string, size: number): Promise<void> {
  const network = { allowPrivate: true, allowHTTP: true };
  const store: ArtifactStore =
    way === "registry"
      ? openRegistry({ repository: `${place}/bench/images`, network })
      : openLayout({ directory: place, name: "bench" });
  const source = { kind: "file", path, ...(way === "layout-link" ? { finished: true as const } : {}) } as const;
  const started = performance.now();
  const signal = new AbortController().signal;
  await store.pushBlob({ mediaType: "application/octet-stream", digest, size }, source, signal);
  const seconds = (performance.now() - started) / 1000;
  console.log(JSON.stringify({ seconds, bytes: process.resourceUsage().maxRSS * 1024 }));
}

/** A file of `size` bytes: of each 4 MiB the first is random, the others are a hole. */
async function makeFile(path: string, size: number): Promise<void> {
  await using file = await open(path, "wx");
  await file.truncate(size);
  for (let at = 0; at < size; at += 4 * CHUNK_BYTES) await file.write(randomBytes(CHUNK_BYTES), 0, CHUNK_BYTES, at);
}

async function main(): Promise<void> {
  const size = Number(process.argv[2] ?? "4") * GIB;
  const parent = join(cacheRoot(process.env), "tests");
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, "upload-"));
  try {
    await using registry = await startDockerRegistry(await toolchainRoot(), folder);
    const path = join(folder, "disk.img");
    await makeFile(path, size);
    const digest = `sha256:${await sha256File(path)}`;
    console.log(`a file of ${formatBytes(size)}, ${formatBytes((await stat(path)).blocks * 512)} of them on disk`);
    for (const way of WAYS) {
      const machine = watchMachine();
      const place = way === "registry" ? registry.host : join(folder, way);
      const args = [SELF, "push", way, place, path, digest, String(size)];
      const outcome = await exec({ program: process.execPath, args, env: PLAIN_ENV });
      if (outcome.exitCode !== 0) throw new Error(outcome.tail);
      const { seconds, bytes } = JSON.parse(outcome.stdout) as { seconds: number; bytes: number };
      const speed = `${(size / MIB / seconds).toFixed(0)} MiB/s`;
      const verdict = bytes <= LIMIT ? "" : `, MORE THAN ${formatBytes(LIMIT)}`;
      console.log(
        `${way.padEnd(12)} ${seconds.toFixed(1).padStart(6)} s ${speed.padStart(11)}  peak memory ${formatBytes(bytes)}${verdict}; ${describeUse(machine(outcome.userSeconds + outcome.systemSeconds))}`,
      );
      if (bytes > LIMIT) process.exitCode = 1;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const [, , command, ...given] = process.argv;
if (command === "push") {
  const [way = "", place = "", path = "", digest = "", size = ""] = given;
  await push(way, place, path, digest, Number(size));
} else await main();

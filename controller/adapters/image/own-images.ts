import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lock } from "../../../builders/contract/lock.ts";
import type { Report } from "../../../builders/contract/progress.ts";
import { PLAIN_ENV } from "../../../builders/host/exec.ts";
import { BOOT_UID, INSIDE } from "../../../builders/contract/inside.ts";
import { timed } from "../../../builders/host/step.ts";
import { ensureToolchain } from "../../../builders/host/toolchain.ts";
import { type ImageConfig, type ImageContent, TOOLCHAIN_LABEL } from "../../domain/image.ts";
import { newestIndex } from "../../domain/lock-date.ts";
import { type MadeImage, madeImage } from "./made-image.ts";
import { type PackedLayer, packLayer } from "./pack-layer.ts";
import { type Content, placedFiles } from "./placed-files.ts";
import { builderFiles, controllerFiles } from "./project-files.ts";
import type { TarEntry } from "./tar-stream.ts";
import { treeEntries } from "./tree-entries.ts";

/** What imgrel runs in, in a cluster. */
export type OwnImage = "builder" | "boot" | "controller";

export type OwnImagesOptions = {
  /** locks of one architecture: of the toolchain, and of what the controller runs in */
  readonly locks: { readonly toolchain: Lock; readonly controller: Lock };
  /** cacheRoot of builders/host/cache.ts: the packages of both locks are there */
  readonly cache: string;
  /** root of the imgrel sources, a git checkout */
  readonly project: string;
  /** an empty folder for layers */
  readonly work: string;
  readonly report: Report;
  readonly signal: AbortSignal;
};

const NOBODY = `${BOOT_UID}:${BOOT_UID}`;

/** How containers start: builder and boot as in a sandbox (host/builder.ts), the controller as an ordinary user. */
const CONFIGS: Readonly<Record<OwnImage, ImageConfig>> = (() => {
  const inside = {
    entrypoint: [INSIDE.node, `${INSIDE.project}/builders/main.ts`],
    workingDirectory: INSIDE.work,
    env: { ...PLAIN_ENV, LANG: "C.UTF-8", HOME: INSIDE.work, TMPDIR: `${INSIDE.work}/tmp` },
  };
  return {
    builder: { ...inside, user: "0:0", command: ["build"] },
    boot: { ...inside, user: NOBODY, command: ["boot"] },
    controller: {
      user: NOBODY,
      entrypoint: [INSIDE.node, `${INSIDE.project}/controller/main.ts`],
      command: ["--help"],
      workingDirectory: "/tmp",
      env: { ...PLAIN_ENV, HOME: "/tmp" },
    },
  };
})();

/** The users of a root and one more: ssh and ssh-keygen do not work for a user without an entry. */
async function withUser(root: string): Promise<readonly [string, Content]> {
  const users = await readFile(join(root, "etc/passwd"), "utf8");
  return [
    "etc/passwd",
    new TextEncoder().encode(`${users}imgrel:x:${BOOT_UID}:${BOOT_UID}:imgrel:/tmp:/usr/sbin/nologin\n`),
  ];
}

const compose = (content: Omit<ImageContent, "layers"> & { readonly layers: readonly PackedLayer[] }): MadeImage =>
  madeImage(
    content,
    content.layers.map(({ blob, path }) => [blob.digest, { kind: "file", path, finished: true }]),
  );

/**
 * The images of one architecture. Builder and boot share both layers, the toolchain root and the builder; the controller
 * has a smaller root of its own. Every time stamp is at most that of the newest index in the lock of its root, so that an
 * image says only what it holds: same locks and sources, same digests.
 * @throws BuildError as ensureToolchain; ReleaseError InputMissing; NodeJS.ErrnoException
 */
export async function makeOwnImages(options: OwnImagesOptions): Promise<ReadonlyMap<OwnImage, MadeImage>> {
  const { locks, cache, project, work, report, signal } = options;
  const { arch } = locks.toolchain;
  const layer = (name: string, comment: string, entries: AsyncIterable<TarEntry> | Iterable<TarEntry>) =>
    timed(report, `layer ${name}`, async () => {
      const value = await packLayer(entries, join(work, `${name}.tar.zst`), comment, signal);
      return { value, bytes: value.blob.size };
    });
  const shared = { cache, project, report, signal };
  const toolchain = await ensureToolchain({ ...shared, lock: locks.toolchain });
  const controller = await ensureToolchain({ ...shared, lock: locks.controller, installer: toolchain.root });
  const [built, run] = [newestIndex([locks.toolchain]), newestIndex([locks.controller])];
  const inside = [
    await layer("toolchain", `toolchain root of ${toolchain.lock}`, treeEntries(toolchain.root, built)),
    await layer("builder", "builder", await placedFiles(await builderFiles(project, arch), built)),
  ];
  const around = [
    await layer("controller-root", `root of ${controller.lock}`, treeEntries(controller.root, run)),
    await layer(
      "controller",
      "controller",
      await placedFiles(new Map([...(await controllerFiles(project, arch)), await withUser(controller.root)]), run),
    ),
  ];
  const ofToolchain = { arch, layers: inside, labels: { [TOOLCHAIN_LABEL]: toolchain.lock }, sourceDateEpoch: built };
  return new Map([
    ["builder", compose({ ...CONFIGS.builder, ...ofToolchain })],
    ["boot", compose({ ...CONFIGS.boot, ...ofToolchain })],
    ["controller", compose({ ...CONFIGS.controller, arch, layers: around, labels: {}, sourceDateEpoch: run })],
  ]);
}

import { existsSync, watch } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { ArtifactManifest } from "../../controller/domain/oci.ts";
import { IMGREL_ENV } from "../imgrel.ts";
import { type Case, commitsIn, PLACE } from "./publication-room.ts";
import { readStored } from "./registry-contents.ts";
import { startImgrel } from "./running-imgrel.ts";
import type { Exchange, Watch } from "./watched-registry.ts";

/** What ends a case: kills it once something has happened. Begins to watch before imgrel is started. */
export type Trigger = (one: Case, kill: () => void) => Promise<void> | void;

/** Starts imgrel, and waits until the trigger has killed all of it. */
export async function killedBy(one: Case, trigger: Trigger): Promise<void> {
  const watching = Promise.resolve(trigger(one, () => process.kill(-running.pid(), "SIGKILL")));
  const running = startImgrel(one.args, IMGREL_ENV, {});
  const { exitCode, tail } = await Promise.race([running.outcome, watching.then(() => running.outcome)]);
  expect(exitCode, `it ended before the point came: ${tail}`).toBe(137);
}

/** Starts it once more: it must end well, and neither build nor boot anything. Gives the last line of its output. */
export async function resumed(one: Case): Promise<string> {
  const started: string[] = [];
  const { outcome } = startImgrel(one.args, IMGREL_ENV, {
    onEvent: ({ event, step }) => event === "started" && started.push(step),
  });
  const { exitCode, stdout, tail } = await outcome;
  expect(exitCode, tail).toBe(0);
  expect(started.filter((step) => /^(amd64|toolchain)\b/.test(step))).toEqual([]);
  return stdout.trimEnd().split("\n").at(-1) ?? "";
}

/** A request about its artifacts that has come so far. */
export const whenSent =
  (at: Watch): Trigger =>
  ({ room }, kill) =>
    room.way.cut((exchange) => exchange.path.startsWith(`/v2/${PLACE}/images/`) && at(exchange), kill);

/** Whether it writes a manifest, by its digest or under a tag of the release. */
export const isPut = ({ method, path }: Exchange, reference: string): boolean =>
  method === "PUT" && path.endsWith(`/manifests/${reference}`);

/** The registry has a manifest of this type. Which digest it gets nobody knows before, where a signature is in it. */
export const whenStored =
  (type: string): Trigger =>
  (one, kill) => {
    const isStored: Watch = async ({ method, path, answered }) => {
      const digest = /\/manifests\/(sha256:[0-9a-f]{64})$/.exec(path)?.[1];
      if (method !== "PUT" || answered !== 201 || digest === undefined) return false;
      const stored = ArtifactManifest.safeParse(await readStored(one.room.registry.storage, digest));
      return stored.data?.artifactType === type;
    };
    return whenSent(isStored)(one, kill);
  };

/** A file that appears in a folder that is there already. */
export const whenThere =
  (pathOf: (one: Case) => string): Trigger =>
  (one, kill) => {
    const path = pathOf(one);
    const watcher = watch(dirname(path), () => {
      if (!existsSync(path)) return;
      watcher.close();
      kill();
    });
  };

/** A hook of the repository that the record is pushed to, which kills its process group: imgrel's. It runs once. */
export const inHook =
  (name: string): Trigger =>
  async ({ git }) => {
    const hook = join(git, "hooks", name);
    await mkdir(dirname(hook), { recursive: true });
    await writeFile(hook, '#!/bin/sh\nrm "$0"\nkill -KILL 0\n');
    await chmod(hook, 0o755);
  };

/**
 * A commit for `ref` that no branch has yet. No hook runs in imgrel's own repository: another writer holds the branch, so
 * that the commit waits for it, from the last tag on, when the locks of a killed imgrel are long removed.
 */
export const whenCommitted =
  (ref: string, lastTag: string): Trigger =>
  async (one, kill) => {
    const before = await commitsIn(one);
    await new Promise<void>((tagged) => {
      const told = (exchange: Exchange): boolean => {
        if (isPut(exchange, lastTag)) tagged();
        return false;
      };
      one.room.way.cut(told, () => undefined);
    });
    await writeFile(join(one.git, `${ref}.lock`), "");
    while ((await commitsIn(one)) === before) await sleep(20);
    kill();
  };

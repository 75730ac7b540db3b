import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { stableJson } from "../../builders/contract/digest.ts";
import { writeFileAtomic } from "../../builders/host/files.ts";
import type { ShardResult } from "./shard.ts";

const StoredResult = z.strictObject({
  inputsHash: z.string().regex(/^[0-9a-f]{64}$/),
  date: z.iso.datetime(),
  passed: z.literal(true),
  seconds: z.number().nonnegative(),
});

/** Results of shards, outside any checkout: `<cache>/shards/<name>.json`. Only passed runs are kept. */
export type ResultStore = {
  /** the last passed run; undefined if there is none */
  readonly read: (name: string) => Promise<ShardResult | undefined>;
  readonly keep: (name: string, result: ShardResult) => Promise<void>;
  /** forgets what passed before: for a shard that fails now */
  readonly forget: (name: string) => Promise<void>;
};

/** @param cache cacheRoot of builders/host/cache.ts */
export function resultStore(cache: string): ResultStore {
  const path = (name: string) => join(cache, "shards", `${name}.json`);
  return {
    async read(name) {
      const text = await readFile(path(name), "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined;
        throw error;
      });
      if (text === undefined) return undefined;
      try {
        const { inputsHash, date, seconds } = StoredResult.parse(JSON.parse(text));
        return { inputsHash, date, seconds };
      } catch {
        return undefined; // written by another version or cut short: the shard runs again
      }
    },
    async keep(name, result) {
      await mkdir(join(cache, "shards"), { recursive: true });
      await writeFileAtomic(path(name), stableJson({ ...result, passed: true }));
    },
    forget: (name) => rm(path(name), { force: true }),
  };
}

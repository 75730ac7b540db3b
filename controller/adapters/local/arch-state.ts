import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { Digest, stableJson } from "../../../builders/contract/digest.ts";
import { writeFileAtomic } from "../../../builders/host/files.ts";
import { ArchProof } from "../../domain/run-record.ts";
import type { ArchState, ArchStateStore } from "../../ports/arch-state.ts";

const State = z.strictObject({ key: Digest, manifest: Digest, ...ArchProof.shape });

/** What was proven of an arch, in `<folder>/state.json`. */
export const localArchState = (folder: string): ArchStateStore => {
  const path = join(folder, "state.json");
  return {
    read: async ({ key, manifest }): Promise<ArchState> => {
      const fresh = { key, manifest, reproduced: null, boots: {} };
      const text = await readFile(path, "utf8").catch(() => undefined);
      if (text === undefined) return fresh;
      try {
        const state = State.parse(JSON.parse(text));
        return state.key === key && state.manifest === manifest ? state : fresh;
      } catch {
        return fresh; // of another version or torn: everything is proven again
      }
    },
    write: (state) => writeFileAtomic(path, stableJson(state)),
  };
};

import type { StagingStore } from "../../ports/staging-store.ts";
import { openRegistry } from "./registry.ts";
import { openClient, type RegistryOptions } from "./registry-client.ts";
import { MAX_JSON_BYTES } from "./reply-body.ts";
import { checkedDigest } from "./store-faults.ts";

/**
 * A repository of a registry as staging. Removal is optional for a registry (distribution-spec, "Deleting Manifests"):
 * one that has it switched off answers 405, or 400 with the code UNSUPPORTED.
 * @throws ReleaseError Usage as {@link openRegistry}
 */
export function openStaging(options: RegistryOptions): StagingStore {
  const { name, readManifest, readBlob } = openRegistry(options);
  const client = openClient(options);
  return {
    ...{ name, readManifest, readBlob },
    remove: async (digest, signal) => {
      const call = { method: "DELETE", to: `manifests/${checkedDigest(digest)}` } as const;
      const { status } = await client.ask(call, [202, 400, 404, 405], MAX_JSON_BYTES, signal);
      return status === 202 || status === 404;
    },
  };
}

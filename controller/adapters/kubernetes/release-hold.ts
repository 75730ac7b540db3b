import { JOBS_FINALIZER } from "../../domain/cluster-objects.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { ReleaseHold } from "../../ports/release-hold.ts";
import type { ApiClient } from "./api-client.ts";
import { MANAGERS, RELEASES } from "./release-kinds.ts";

/** A finalizer that one field manager owns: other finalizers, and whoever sets them, are left alone. */
export function releaseHold(client: Pick<ApiClient, "apply">): ReleaseHold {
  const set = async (
    { namespace, name, uid }: Parameters<ReleaseHold["hold"]>[0],
    finalizers: readonly string[],
    signal: AbortSignal,
  ): Promise<void> => {
    // the uid keeps an apply from making an object anew that was deleted meanwhile
    const metadata = { namespace, name, uid, finalizers };
    await client.apply(RELEASES, { metadata }, { manager: MANAGERS.jobs, force: true }, signal);
  };
  return {
    hold: (release, signal) => set(release, [JOBS_FINALIZER], signal),
    letGo: async (release, signal) => {
      try {
        await set(release, [], signal);
      } catch (error) {
        const isGone = error instanceof ReleaseError && ["NotFound", "ObjectConflict"].includes(error.code);
        if (!isGone) throw error;
      }
    },
  };
}

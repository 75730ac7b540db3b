import { ReleaseError } from "../../domain/errors.ts";
import type { StatusWriter } from "../../ports/status-writer.ts";
import type { ApiClient } from "./api-client.ts";
import { MANAGERS } from "./release-kinds.ts";
import type { Resource } from "./resource.ts";

/** Statuses by server-side apply: one request each, and whatever it no longer says is removed. */
export const statusWriter = <Status extends object>(
  client: Pick<ApiClient, "apply">,
  resource: Resource,
): StatusWriter<{ readonly namespace: string; readonly name: string; readonly uid: string }, Status> => ({
  write: async ({ namespace, name, uid }, status, signal) => {
    // the uid keeps an apply from making an object anew that was deleted meanwhile
    const object = { metadata: { namespace, name, uid }, status };
    const options = { manager: MANAGERS.status, force: true, subresource: "status" } as const;
    try {
      await client.apply(resource, object, options, signal);
    } catch (error) {
      if (!(error instanceof ReleaseError && error.code === "NotFound")) throw error;
    }
  },
});

import { ANNOTATIONS } from "../../domain/cluster-objects.ts";
import type { ApiClient } from "./api-client.ts";
import { SOURCES } from "./release-kinds.ts";

/**
 * Asks whoever leads to look at a source, as a person does by its annotation reconcileAt.
 * @param at another moment than that of any request before
 */
export async function requestReconcile(
  client: Pick<ApiClient, "patch">,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  at: Date,
  signal: AbortSignal,
): Promise<void> {
  const annotations = { [ANNOTATIONS.reconcileAt]: at.toISOString() };
  await client.patch({ resource: SOURCES, namespace, name }, { metadata: { annotations } }, {}, signal);
}

import type { NodeLabels } from "../../domain/preflight.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ApiClient } from "./api-client.ts";
import { freshAnswers } from "./fresh-answers.ts";
import { NODES } from "./resource.ts";

/** Milliseconds for which an answer serves all who ask: a hundred releases that are merged at once cost one look. */
const FRESH = 10_000;
/** Nodes of one answer. */
const PAGE = 500;

/**
 * The labels of all nodes, at most some seconds old. Of one that is being deleted nothing is said; one that takes no pods
 * now, or is not ready, may take some soon.
 * @throws ReleaseError as api-fault.ts says; the signal's reason
 */
export function clusterNodes(
  client: Pick<ApiClient, "listMetadata">,
  clock: Pick<Clock, "monotonic">,
): (signal: AbortSignal) => Promise<readonly NodeLabels[]> {
  const fresh = freshAnswers<readonly NodeLabels[]>(clock, FRESH);
  async function look(signal: AbortSignal): Promise<readonly NodeLabels[]> {
    const found: NodeLabels[] = [];
    let from: string | undefined;
    do {
      const page = await client.listMetadata({ resource: NODES, limit: PAGE, from }, signal);
      for (const { metadata } of page.items) {
        if (metadata.deletionTimestamp === undefined) found.push(metadata.labels ?? {});
      }
      from = page.continue;
    } while (from !== undefined);
    return found;
  }
  return (signal) => fresh("nodes", signal, look);
}

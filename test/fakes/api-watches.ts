import type { ServerResponse } from "node:http";
import type { Change, ObjectStore, StoredObject } from "./object-store.ts";

/** What a list or watch is about. */
export type Chosen = { readonly collection: string; readonly fits: (object: StoredObject) => boolean };

type Watch = { readonly chosen: Chosen; readonly response: ServerResponse; silent: boolean };

const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;

/** A change as one watch tells it; empty if it is none of its business. */
function tell({ fits }: Chosen, { before, after, version }: Change): string {
  const [was, is] = [before !== undefined && fits(before), after !== undefined && fits(after)];
  if (is) return line(was ? "MODIFIED" : "ADDED", after);
  if (!was || before === undefined) return "";
  return line("DELETED", { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } });
}

/** The open watches of the fake API server. */
export function createWatches(store: () => ObjectStore) {
  const watches = new Set<Watch>();
  const bookmark = (): string =>
    line("BOOKMARK", { metadata: { resourceVersion: String(store().version()), creationTimestamp: null } });
  const tellAll = (text: (watch: Watch) => string): void => {
    for (const watch of watches) if (!watch.silent) watch.response.write(text(watch));
  };
  return {
    count: () => watches.size,
    /** tells what happened after `from`, then what happens; ends after so many seconds, with a bookmark before */
    begin: (response: ServerResponse, chosen: Chosen, from: number, seconds: number): void => {
      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
      if (from < store().oldest()) {
        const message = `too old resource version: ${from} (${store().oldest()})`;
        response.end(line("ERROR", { kind: "Status", status: "Failure", code: 410, reason: "Expired", message }));
        return;
      }
      for (const change of store().since(chosen.collection, from)) response.write(tell(chosen, change));
      const watch: Watch = { chosen, response, silent: false };
      watches.add(watch);
      const last = setTimeout(() => watch.silent || response.write(bookmark()), Math.max(0, seconds - 2) * 1000);
      const over = setTimeout(() => watch.silent || response.end(), seconds * 1000);
      response.on("close", () => {
        clearTimeout(last);
        clearTimeout(over);
        watches.delete(watch);
      });
    },
    changed: (change: Change): void =>
      tellAll(({ chosen }) => (chosen.collection === change.collection ? tell(chosen, change) : "")),
    bookmark: () => tellAll(bookmark),
    /** breaks all of them off, ends them in order, or lets them say nothing more */
    cut: (how: "reset" | "end" | "silence"): void => {
      for (const watch of watches) {
        if (how === "reset") watch.response.destroy();
        else if (how === "end") watch.response.end();
        else watch.silent = true;
      }
    },
  };
}

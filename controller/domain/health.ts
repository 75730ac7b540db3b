/** What a probe is answered: `failing` says what is wrong; empty: all is well. */
export type Health = { readonly failing: readonly string[] };

/** What liveness depends on. That the process answers at all shows that its event loop turns. */
export type Leadership = "standing by" | "leading" | "lost";

/** A process that led and lost its lease must end; how much work waits says nothing about its health. */
export const liveness = (leadership: Leadership): Health => ({
  failing: leadership === "lost" ? ["the lease was lost"] : [],
});

/** Ready once every cache was filled. `caches`: by name, whether it was. */
export const readiness = (caches: ReadonlyMap<string, boolean>): Health => ({
  failing: [...caches].flatMap(([name, synced]) => (synced ? [] : [`${name} were not read yet`])),
});

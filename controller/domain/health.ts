/** What a probe is answered: `failing` says what is wrong; empty: all is well. */
export type Health = { readonly failing: readonly string[] };

/** What liveness depends on. That the process answers at all shows that its event loop turns. */
export type Leadership = "standing by" | "leading" | "lost";

/** A process that led and lost its lease must end; how much work waits says nothing about its health. */
export const liveness = (leadership: Leadership): Health => ({
  failing: leadership === "lost" ? ["the lease was lost"] : [],
});

/** Milliseconds. The lease is read or written every 2 seconds, by who leads and by who stands by. */
const SILENCE = 10_000;

/**
 * Ready once every cache was filled, and as long as the API server can be reached.
 * @param caches by name, whether it was filled
 * @param silence milliseconds since the API server last answered about the lease
 */
export const readiness = (caches: ReadonlyMap<string, boolean>, silence: number): Health => ({
  failing: [
    ...[...caches].flatMap(([name, synced]) => (synced ? [] : [`${name} were not read yet`])),
    ...(silence < SILENCE ? [] : ["the API server does not answer"]),
  ],
});

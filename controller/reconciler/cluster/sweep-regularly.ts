import type { ClusterClass, ClusterRelease } from "../../domain/cluster-objects.ts";
import { type Clock, pause } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { ObjectCache } from "../../ports/object-cache.ts";
import type { ReleaseOpener } from "./release-opener.ts";

/** Milliseconds between two sweeps: nothing waits for one. */
const EVERY = 10 * 60_000;

export type Sweeper = {
  readonly classes: Pick<ObjectCache<ClusterClass>, "values">;
  readonly releases: Pick<ObjectCache<ClusterRelease>, "get">;
  readonly opener: Pick<ReleaseOpener, "sweep">;
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "warn">;
  readonly isLeader: () => boolean;
};

/**
 * Looks now and then, as long as this process leads, for Jobs of releases that are no more: owner references cannot cross
 * namespaces, so nobody else removes them (release-api.md 4). A fault is told, and the next sweep tries again.
 */
export async function sweepRegularly(sweeper: Sweeper, signal: AbortSignal): Promise<void> {
  const { classes, releases, opener, clock, log, isLeader } = sweeper;
  for (;;) {
    await pause(clock, EVERY, signal).catch(() => undefined); // it only ends early with the signal
    if (signal.aborted || !isLeader()) return;
    for (const of of classes.values()) {
      if (of.spec.build.namespace === undefined) continue; // for the local process
      const isKnown = (release: string) => releases.get(`${of.namespace}/${release}`) !== undefined;
      try {
        const gone = await opener.sweep(of, isKnown, signal);
        if (gone.length > 0) log.info("what releases left that are no more was removed", { releases: gone });
      } catch (fault) {
        log.warn("a sweep did not come to its end", { class: of.name, fault });
      }
    }
  }
}

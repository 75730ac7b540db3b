import { keyOf } from "../../domain/changed-keys.ts";
import type { ClusterSource } from "../../domain/cluster-objects.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { nudgeKeyFault, passNudgeAt } from "../../domain/nudge.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { NudgeHooks } from "../../ports/nudge-hooks.ts";
import type { ObjectCache } from "../../ports/object-cache.ts";

type SecretRef = NonNullable<ClusterSource["spec"]["nudge"]>["secretRef"];

export type NudgePorts = {
  readonly sources: Pick<ObjectCache<ClusterSource>, "get">;
  readonly namespace: string;
  /** the text of a Secret's entry */
  readonly secret: (ref: SecretRef) => Promise<string>;
  /** has a source looked at; by its key */
  readonly wake: (key: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
};

/** Milliseconds for which a Secret, or that it cannot be read, is believed: strangers must not cause requests. */
const KEY_AGE = 30_000;

/**
 * The webhooks of all sources of a namespace. What comes in quick succession wakes a source once; that a Secret cannot be
 * read stands in the log.
 */
export function sourceNudges({ sources, namespace, secret, wake, clock, log }: NudgePorts): NudgeHooks {
  const keys = new Map<string, { readonly of: string; readonly until: number; readonly key: Promise<string> }>();
  const passed = new Map<string, number>();

  async function read(source: string, ref: SecretRef): Promise<string> {
    try {
      const key = await secret(ref);
      const fault = nudgeKeyFault(key);
      if (fault === undefined) return key;
      throw new ReleaseError("KeyUnusable", `the Secret ${ref.name} ${fault}`, "give it the text that the forge has");
    } catch (fault) {
      log.warn("the key of a webhook cannot be read", { source, fault });
      throw fault;
    }
  }

  return {
    keyOf: async (name) => {
      const source = sources.get(keyOf({ namespace, name }));
      const ref = source?.spec.nudge?.secretRef;
      if (source === undefined || source.deleted || ref === undefined) return null;
      const of = `${source.uid} ${source.generation}`;
      const known = keys.get(name);
      if (known?.of === of && clock.monotonic() < known.until) return known.key;
      const key = read(name, ref);
      keys.set(name, { of, until: clock.monotonic() + KEY_AGE, key });
      return key;
    },
    nudged: (name) => {
      const now = clock.monotonic();
      const at = passNudgeAt(passed.get(name), now);
      if (at === undefined) return;
      passed.set(name, at);
      log.info("a webhook asks to look at a source", { source: name });
      clock.after(at - now, () => wake(keyOf({ namespace, name })));
    },
  };
}

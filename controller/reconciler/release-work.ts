import type { Action } from "../domain/action.ts";
import type { Observed, ObservedGate, ObservedRecord } from "../domain/observed.ts";
import { targetName } from "../domain/target.ts";
import type { Failure } from "../domain/verdict.ts";
import type { ArchWork } from "./arch-work.ts";
import type { ReleaseWork } from "./reconcile.ts";
import type { TargetWork } from "./target-work.ts";

/** The parts of the work on one release. */
export type ReleaseParts = {
  readonly specDigest: Observed["specDigest"];
  readonly version: string;
  readonly gate: ObservedGate;
  readonly keepRuns: boolean;
  readonly parallelBoots: number;
  readonly arches: readonly ArchWork[];
  readonly targets: readonly TargetWork[];
  readonly inputs: {
    readonly archived: (signal: AbortSignal) => Promise<boolean>;
    readonly archive: (signal: AbortSignal) => Promise<void>;
  };
  readonly record: {
    readonly observe: () => Promise<ObservedRecord>;
    /** `failure`: why it failed; null for a release that is published */
    readonly write: (failure: Failure | null, signal: AbortSignal) => Promise<void>;
  };
};

/** What was seen at the last look; looks anew once it was forgotten, and after a look that failed or is not to be kept. */
function lastLook<T>(look: () => Promise<T>, isKept: (seen: T) => boolean = () => true) {
  let known: Promise<T> | undefined;
  const forget = (): void => {
    known = undefined;
  };
  const see = (): Promise<T> => {
    const seen = (known ??= look());
    const drop = (): void => {
      if (known === seen) forget();
    };
    seen.then((found) => void (isKept(found) || drop()), drop);
    return seen;
  };
  return { see, forget };
}

/** One release as {@link ReleaseWork}: asks its parts, and hands each action to the one that it belongs to. */
export function releaseWork(parts: ReleaseParts, signal: AbortSignal): ReleaseWork {
  const arch = (name: string): ArchWork => {
    const found = parts.arches.find(({ plan }) => plan.request.arch === name);
    if (found === undefined) throw new RangeError(`the release has no ${name}`);
    return found;
  };
  const target = (action: Extract<Action, { target: unknown }>): TargetWork => {
    const found = parts.targets.find(({ ref }) => targetName(ref) === targetName(action.target));
    if (found === undefined) throw new RangeError(`the release has no ${targetName(action.target)}`);
    return found;
  };
  // Only who works on a release writes its record and its targets: each is looked at anew once something was done to it.
  // What of a target is not even stored becomes known by what is done to its arch, and is looked for each time.
  const record = lastLook(parts.record.observe);
  const looks = new Map(
    parts.targets.map((one) => [
      targetName(one.ref),
      lastLook(
        () => one.observe(signal),
        ({ staged }) => staged,
      ),
    ]),
  );
  const archived = lastLook(
    () => parts.inputs.archived(signal),
    (isThere) => isThere,
  );
  return {
    observe: async (running) => {
      const { specDigest, version, gate, keepRuns, parallelBoots } = parts;
      const recorded = await record.see();
      const arches = await Promise.all(parts.arches.map((one) => one.observe(signal)));
      const targets = await Promise.all([...looks.values()].map(({ see }) => see()));
      const inputsArchived = await archived.see();
      return {
        ...{ specDigest, version, record: recorded, gate, keepRuns, parallelBoots },
        ...{ inputsArchived, arches, targets, running },
      };
    },
    act: async (action, stop) => {
      try {
        await carryOut(action, stop);
      } finally {
        // also after a fault: its answer may have been lost
        if (action.kind === "record") record.forget();
        else if ("target" in action) looks.get(targetName(action.target))?.forget();
      }
    },
  };

  function carryOut(action: Action, stop: AbortSignal): Promise<void> {
    switch (action.kind) {
      case "archive-inputs":
        return parts.inputs.archive(stop);
      case "build":
        return arch(action.arch).build(action.run, stop);
      case "compare":
        return arch(action.arch).compare(stop);
      case "discard":
        return arch(action.arch).discard(action.run, stop);
      case "boot":
        return arch(action.arch).boot(action.boot, stop);
      case "stage":
        return target(action).stage(stop);
      case "sign":
        return target(action).sign(action.document, stop);
      case "publish":
        return target(action).publish(stop);
      case "tag":
        return target(action).tag(stop);
      case "record":
        return parts.record.write(action.failure, stop);
    }
  }
}

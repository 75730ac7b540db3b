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
  /** Only who works on a release records it: the record is looked at once, and anew whenever it was written. */
  let known: Promise<ObservedRecord> | undefined;
  const forget = () => {
    known = undefined;
  };
  const observeRecord = (): Promise<ObservedRecord> => {
    known ??= parts.record.observe();
    known.catch(forget);
    return known;
  };
  return {
    observe: async (running) => {
      const { specDigest, version, gate, keepRuns, parallelBoots } = parts;
      const record = await observeRecord();
      const arches = await Promise.all(parts.arches.map((one) => one.observe(signal)));
      const targets = await Promise.all(parts.targets.map((one) => one.observe(signal)));
      const inputsArchived = await parts.inputs.archived(signal);
      return {
        ...{ specDigest, version, record, gate, keepRuns, parallelBoots },
        ...{ inputsArchived, arches, targets, running },
      };
    },
    act: async (action, stop) => {
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
          return parts.record.write(action.failure, stop).finally(forget);
      }
    },
  };
}

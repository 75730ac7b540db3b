import type { Digest } from "../../../builders/contract/digest.ts";
import type { JobRef } from "./object-names.ts";

const PREFIX = "releases.powernode.io";

/** Keys of the labels that imgrel's Jobs, pods and claims have. Network policies select by `step`. */
export const LABEL = {
  manager: "app.kubernetes.io/managed-by",
  release: `${PREFIX}/release`,
  arch: `${PREFIX}/arch`,
  step: `${PREFIX}/step`,
  run: `${PREFIX}/run`,
  boot: `${PREFIX}/boot`,
  attempt: `${PREFIX}/attempt`,
  request: `${PREFIX}/request`,
  round: `${PREFIX}/round`,
  fencing: `${PREFIX}/fencing`,
} as const;

const MANAGER = "imgrel";

/** A digest as a label's value, which has at most 63 characters: all but one digit. */
export const labelDigest = (digest: Digest): string => digest.slice("sha256:".length).slice(0, 63);

/** Labels of a Job that do not tell its attempts apart, in this order. */
const REF_LABELS = [LABEL.manager, LABEL.release, LABEL.arch, LABEL.step, LABEL.run, LABEL.boot] as const;

/** What all attempts at a Job have in common. */
const refLabels = (release: string, ref: JobRef): Record<string, string> => ({
  [LABEL.manager]: MANAGER,
  [LABEL.release]: release,
  [LABEL.arch]: ref.arch,
  [LABEL.step]: ref.step,
  ...("run" in ref ? { [LABEL.run]: String(ref.run) } : {}),
  ...("boot" in ref ? { [LABEL.boot]: ref.boot } : {}),
});

/**
 * What is asked of a Job and by whom. `round`: what attempts have in common that count together; `fencing`: number of the
 * term of the leader that created it.
 */
export type JobMark = {
  readonly attempt: number;
  readonly request: Digest;
  readonly round: Digest;
  readonly fencing: number;
};

export const jobLabels = (release: string, ref: JobRef, mark: JobMark): Record<string, string> => ({
  ...refLabels(release, ref),
  [LABEL.attempt]: String(mark.attempt),
  [LABEL.request]: labelDigest(mark.request),
  [LABEL.round]: labelDigest(mark.round),
  [LABEL.fencing]: String(mark.fencing),
});

/** Labels of a run's volume. */
export const claimLabels = (release: string, arch: JobRef["arch"], run: number): Record<string, string> => {
  const { [LABEL.step]: _step, ...labels } = refLabels(release, { step: "build", arch, run });
  return labels;
};

const selector = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");

/** Selects every object of imgrel. */
export const ALL_OBJECTS = selector({ [LABEL.manager]: MANAGER });

/** Selects every object of a release: for sweeps. */
export const releaseSelector = (release: string): string =>
  selector({ [LABEL.manager]: MANAGER, [LABEL.release]: release });

/** Selects what there is for one run alone: its volume, and the Jobs that write and read it; boots are of the release. */
export const runSelector = (release: string, arch: JobRef["arch"], run: number): string =>
  selector(claimLabels(release, arch, run));

/** Selects every attempt at a Job. */
export const attemptsSelector = (release: string, ref: JobRef): string => selector(refLabels(release, ref));

/** The selector of the attempts that a Job or pod with these labels belongs to. */
export const ownSelector = (labels: Readonly<Record<string, string>>): string =>
  selector(Object.fromEntries(REF_LABELS.flatMap((key) => (key in labels ? [[key, labels[key] ?? ""]] : []))));

/** Labels that the pods of all runs of an arch have: the scheduler spreads these. */
export const runsOfArch = (release: string, arch: JobRef["arch"]): Record<string, string> => ({
  [LABEL.release]: release,
  [LABEL.arch]: arch,
  [LABEL.step]: "build",
});

/** The attempt that a Job says it is; null if it says none: such a Job is not ours. */
export function attemptOf(labels: Readonly<Record<string, string>> | undefined): number | null {
  const text = labels?.[LABEL.attempt] ?? "";
  return /^[1-9][0-9]{0,3}$/.test(text) ? Number(text) : null;
}

/** Selects the pods of all runs of an arch. */
export const runsSelector = (release: string, arch: JobRef["arch"]): string => selector(runsOfArch(release, arch));

import type { Admitted } from "../../domain/admission.ts";
import type { ClusterRelease } from "../../domain/cluster-objects.ts";
import type { DecidedCondition } from "../../domain/decide.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { runsOf } from "../../domain/plan.ts";
import { preflight } from "../../domain/preflight.ts";
import { readReleaseFolder, releaseDigest, type ReleaseFolder } from "../../domain/release-folder.ts";
import { failureAt } from "../../domain/step-fault.ts";
import type { ReleaseOpener } from "./release-opener.ts";
import type { ToldRelease } from "./told-release.ts";

// What is asked of git and of the cluster before a release is begun.

/** Whether a release was begun, or told that it may be: what holds then is not asked again. */
export const wasAdmitted = ({ held, status }: ClusterRelease): boolean =>
  held || (status.conditions?.some(({ type, status: value }) => type === "Admitted" && value === "True") ?? false);

/** Why no node of the cluster can build it; null: one can. */
export async function lackOfNodes(
  { release: { spec }, class: of }: Admitted,
  opener: Pick<ReleaseOpener, "nodes">,
  { known }: ToldRelease,
  signal: AbortSignal,
): Promise<DecidedCondition | null> {
  const arches = known.observed.arches.map(({ arch }) => arch);
  try {
    const nodes = await opener.nodes(signal);
    return preflight(nodes, { arches, runs: runsOf(of.spec.gate, spec), class: of.spec });
  } catch (fault) {
    if (fault instanceof ReleaseError) known.failure = failureAt("Admitted", fault, "NoNodeForArch");
    throw fault;
  }
}

/** A release's folder at the commit that its object names; why not, if the object has other content. */
export async function contentOf(
  { release, source, from }: Admitted,
  opener: Pick<ReleaseOpener, "treeAt">,
  signal: AbortSignal,
): Promise<ReleaseFolder | DecidedCondition> {
  const refuse = (message: string): DecidedCondition => ({ type: "Admitted", reason: "NotFromGit", message });
  const tree = await opener.treeAt(from, source.commit, signal);
  if (tree === null) return refuse(`the repository of ${from.name} has no commit ${source.commit}`);
  const path = `${from.spec.path}/${release.name}`;
  const folder = readReleaseFolder(release.name, path, await tree.readDirectory(path));
  if (releaseDigest(folder) === source.specDigest) return folder;
  return refuse(`${path} of commit ${source.commit} has other content than this object`);
}

import type { Action } from "../action.ts";
import { onItsWay, reached, type Step, stopped } from "../step.ts";
import { targetName } from "../target.ts";

/** All manifests by digest, and only then the tags: users see a release whole or not at all. */
export const publish: Step = ({ targets }, passed) => {
  const foreign = targets.find(({ tag }) => tag === "other");
  if (foreign !== undefined) {
    return stopped("TagConflict", {
      code: "TagConflict",
      message: `the tag of ${targetName(foreign)} points to something else`,
      remedy: "no tag is ever moved: find out who wrote it, or release under another name",
    });
  }
  if (!passed("Signed")) return onItsWay("Publishing", "waits until all is signed");
  const act = (kind: "publish" | "tag") =>
    targets
      .filter((target) => (kind === "publish" ? !target.published : target.tag === "absent"))
      .map(({ arch, variant }): Action => ({ kind, target: { arch, variant } }));
  const manifests = act("publish");
  if (manifests.length > 0) {
    return onItsWay("Publishing", `${manifests.length} manifests to push`, manifests);
  }
  const tags = act("tag");
  if (tags.length > 0) return onItsWay("Publishing", `${tags.length} tags to write`, tags);
  return reached("Verified", `${targets.length} artifacts are published`);
};

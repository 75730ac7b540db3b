import { ARCHES, IMG_VARIANTS, VARIANTS, variantExistsFor } from "../../../builders/contract/variant.ts";
import { RELEASE_NAME } from "../names.ts";
import { ReleaseStatus } from "../release-status.ts";
import { StoredReleaseSpec } from "../stored-objects.ts";
import { type CelRule, celText, immutable, noneMatches, ordered } from "./cel.ts";
import { conditionPath, type CustomResource, customResource, fieldOf } from "./custom-resource.ts";
import type { Notes } from "./structural-schema.ts";

const listOf = (texts: readonly string[]): string => `[${texts.map(celText).join(", ")}]`;
const WHOLE = listOf(VARIANTS.filter((variant) => !variantExistsFor(variant, "amd64")));

/** Each architecture with a target has an entry in a field of spec.inputs. */
const forEachArch = (holder: string): string =>
  ARCHES.map((arch) => `(!self.targets.exists(t, t.arch == ${celText(arch)}) || has(${holder}.${arch}))`).join(" && ");

const kernelRules: CelRule[] = ARCHES.flatMap((arch) =>
  ARCHES.filter((other) => other !== arch).map((other) => ({
    rule: `!has(self.${arch}) || ${noneMatches(`self.${arch}`, `-${other}(-|$)`)}`,
    message: `the kernel package of ${arch} is one for ${other}`,
  })),
);

/** Rules of specs/README.md between fields, and what may change: nothing but suspend. */
const SPEC: Notes = {
  "": {
    rules: [
      { rule: "has(self.builds) == has(oldSelf.builds)", message: "builds is neither added nor removed later" },
      {
        rule:
          "self.targets.all(t, !has(t.platformName) || " +
          "self.targets.exists_one(u, has(u.platformName) && u.platformName == t.platformName))",
        message: "a platformName stands twice: the platform takes one image per name and commit",
      },
      {
        rule: forEachArch("self.inputs.kernelPackage"),
        message: "each architecture with a target needs its inputs.kernelPackage",
      },
      {
        rule: `!has(self.inputs.agent) || (${forEachArch("self.inputs.agent")})`,
        message: "if an agent is named, each architecture with a target needs one in inputs.agent",
      },
    ],
  },
  version: { rules: [immutable("version")] },
  className: { rules: [immutable("className")] },
  source: { rules: [immutable("source")] },
  inputs: { rules: [immutable("inputs")] },
  "inputs.kernelPackage": { rules: kernelRules },
  "inputs.packages": { rules: [ordered("packages")] },
  "inputs.distribution.components": { rules: [ordered("components")] },
  targets: { rules: [immutable("targets"), ordered("targets", "[e.variant, e.arch]")], listKeys: ["variant", "arch"] },
  "targets[]": {
    rules: [
      {
        rule: `!(self.variant in ${WHOLE}) || self.arch == 'arm64'`,
        message: "disk-image-rpi4 and disk-image-arm64-uefi exist for arm64 only",
      },
      {
        rule: `!has(self.platformName) || self.variant in ${listOf(IMG_VARIANTS)}`,
        message: "platformName goes only with a variant that is one .img file",
      },
    ],
  },
  builds: { rules: [immutable("builds")] },
};

const once = (name: string): CelRule => ({
  rule: `!has(oldSelf.${name}) || (has(self.${name}) && self.${name} == oldSelf.${name})`,
  message: `${name} of a publication never changes`,
});

/** What was published stays: the record in git says the same for ever. */
const STATUS: Notes = {
  "": {
    rules: [
      {
        rule:
          "!has(oldSelf.targets) || oldSelf.targets.all(old, !has(old.phase) || old.phase != 'Published' || " +
          "(has(self.targets) && self.targets.exists(t, t.variant == old.variant && t.arch == old.arch)))",
        message: "a published target is never removed",
      },
    ],
  },
  published: { rules: [once("releaseDigest"), once("indexDigest"), once("reference")] },
  targets: { listKeys: ["variant", "arch"] },
  "targets[]": {
    rules: [
      {
        rule:
          "!has(oldSelf.phase) || oldSelf.phase != 'Published' || (has(self.phase) && self.phase == 'Published' && " +
          "has(self.digest) == has(oldSelf.digest) && (!has(self.digest) || self.digest == oldSelf.digest))",
        message: "a published target never changes its digest",
      },
    ],
  },
  builds: { listKeys: ["arch", "run"] },
  conditions: { listKeys: ["type"] },
};

// at the root, or the rule would not be asked when the status as a whole is taken away
const PUBLISHED_STAYS: CelRule = {
  rule: "!has(oldSelf.status) || !has(oldSelf.status.published) || (has(self.status) && has(self.status.published))",
  message: "what was published is never removed from the status",
};

/** The CustomResourceDefinition of DiskImageRelease (release-api.md 3.2). */
export const releaseCrd = (): CustomResource =>
  customResource({
    kind: "DiskImageRelease",
    description:
      "One immutable release of bootable disk images. The source sync makes it from a file in git; only suspend may change.",
    plural: "diskimagereleases",
    shortNames: ["direl", "direls"],
    categories: ["all", "powernode"],
    name: RELEASE_NAME,
    spec: fieldOf(StoredReleaseSpec, "What is released.", SPEC),
    status: fieldOf(ReleaseStatus, "How far the release is; only the controller writes it.", STATUS),
    rules: [PUBLISHED_STAYS],
    columns: [
      { name: "Version", path: ".spec.version" },
      { name: "Ready", path: conditionPath("Ready", "status") },
      { name: "Phase", path: ".status.phase" },
      { name: "Targets", path: ".status.summary.targets" },
      { name: "Repro", path: conditionPath("Reproducible", "status") },
      { name: "Published", path: conditionPath("Published", "status") },
      { name: "Age", type: "date", path: ".metadata.creationTimestamp" },
      { name: "Reason", path: conditionPath("Ready", "reason"), wide: true },
      { name: "Commit", path: ".spec.source.commit", wide: true },
      { name: "Attempt", type: "integer", path: ".status.attempt", wide: true },
      { name: "Status-Commit", path: ".status.git.commit", wide: true },
      { name: "Message", path: conditionPath("Ready", "message"), wide: true },
    ],
    selectable: [".spec.version", ".spec.className"],
  });

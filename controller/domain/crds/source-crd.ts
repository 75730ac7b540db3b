import { OBJECT_NAME } from "../names.ts";
import { RECORDS_BRANCH, SourceSpec } from "../source.ts";
import { SourceStatus } from "../source-status.ts";
import { celText } from "./cel.ts";
import { conditionPath, type CustomResource, customResource, fieldOf } from "./custom-resource.ts";
import { refusingHttp } from "./http-rule.ts";
import type { Notes } from "./structural-schema.ts";

/** Rules of specs/README.md between fields. */
const SPEC: Notes = {
  "": {
    rules: [
      {
        rule: "!has(self.writeBack.mode) || self.writeBack.mode != 'Path' || !has(self.writeBack.branch)",
        message: "writeBack.branch does not go with mode Path, which writes to the specs' branch",
      },
      {
        rule:
          "(has(self.writeBack.mode) && self.writeBack.mode != 'Branch') || self.branch != " +
          `(has(self.writeBack.branch) ? self.writeBack.branch : ${celText(RECORDS_BRANCH)})`,
        message: "one branch would hold both specs and records: name another, or choose another writeBack.mode",
      },
    ],
  },
  verify: {
    rules: [
      {
        rule: "(self.of == 'MergeOrApproval') == has(self.approvals)",
        message: "approvals goes with of MergeOrApproval, and is needed there",
      },
    ],
  },
};

/** The CustomResourceDefinition of DiskImageReleaseSource (release-api.md 3.6). */
export const sourceCrd = (): CustomResource =>
  customResource({
    kind: "DiskImageReleaseSource",
    description:
      "A git repository that releases come from, which classes its specs may name, and how records come back into it.",
    plural: "diskimagereleasesources",
    shortNames: ["dirs"],
    categories: ["powernode"],
    name: OBJECT_NAME,
    spec: refusingHttp(fieldOf(SourceSpec, "What is followed, and how.", SPEC)),
    status: fieldOf(SourceStatus, "What was last read; only the controller writes it.", {
      conditions: { listKeys: ["type"] },
    }),
    rules: [],
    columns: [
      { name: "URL", path: ".spec.url" },
      { name: "Branch", path: ".spec.branch" },
      { name: "Ready", path: conditionPath("Ready", "status") },
      { name: "Suspended", type: "boolean", path: ".spec.suspend" },
      { name: "Age", type: "date", path: ".metadata.creationTimestamp" },
      { name: "Reason", path: conditionPath("Ready", "reason"), wide: true },
      { name: "Commit", path: ".status.lastSeenCommit", wide: true },
      { name: "Message", path: conditionPath("Ready", "message"), wide: true },
    ],
    selectable: [],
  });

import { CLUSTER_FIELDS } from "../class-build.ts";
import { ClassSpec } from "../class.ts";
import { OBJECT_NAME } from "../names.ts";
import { field } from "./cel.ts";
import { type CustomResource, customResource, fieldOf } from "./custom-resource.ts";
import { refusingHttp } from "./http-rule.ts";
import type { Notes } from "./structural-schema.ts";

const given = CLUSTER_FIELDS.map((name) => `has(${field("self", name)})`);

/** Rules of specs/README.md between fields. */
const SPEC: Notes = {
  "agentSources{}": {
    rules: [{ rule: "has(self.oci) != has(self.directory)", message: "must have exactly one of oci and directory" }],
  },
  build: {
    rules: [
      {
        rule: `(${given.join(" && ")}) || !(${given.join(" || ")})`,
        message: `a cluster needs all of ${CLUSTER_FIELDS.join(", ")}; the local process needs none of them`,
      },
    ],
  },
};

/** The CustomResourceDefinition of DiskImageReleaseClass (release-api.md 3.6). */
export const classCrd = (): CustomResource =>
  customResource({
    kind: "DiskImageReleaseClass",
    description:
      "The platform admin's half of a release: its gate, its signer and its destinations. A spec names a class and can " +
      "change nothing of it.",
    plural: "diskimagereleaseclasses",
    shortNames: ["direlc"],
    categories: ["powernode"],
    name: OBJECT_NAME,
    spec: refusingHttp(fieldOf(ClassSpec, "What releases of this class get and must pass.", SPEC)),
    status: null,
    rules: [],
    columns: [
      { name: "Builds", type: "integer", path: ".spec.gate.minBuilds" },
      { name: "Signing", path: ".spec.signing.mode" },
      { name: "Repository", path: ".spec.publish.oci.repository" },
      { name: "Age", type: "date", path: ".metadata.creationTimestamp" },
      { name: "Reproducibility", path: ".spec.gate.reproducibility", wide: true },
      { name: "Boot", path: ".spec.gate.boot", wide: true },
      { name: "Build-Namespace", path: ".spec.build.namespace", wide: true },
    ],
    selectable: [],
  });

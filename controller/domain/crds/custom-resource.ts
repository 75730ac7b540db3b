import type { z } from "zod";
import { API_VERSION } from "../release.ts";
import type { TextRule } from "../text-rule.ts";
import { type CelRule, matches, noneMatches } from "./cel.ts";
import { type Notes, type StructuralSchema, structuralSchema } from "./structural-schema.ts";

/** A column of `kubectl get`; wide: only with `-o wide`. */
export type Column = {
  readonly name: string;
  readonly type?: "string" | "integer" | "date" | "boolean";
  readonly path: string;
  readonly wide?: true;
};

/** What tells our kinds apart. */
export type Kind = {
  readonly kind: string;
  readonly description: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** what metadata.name may be */
  readonly name: TextRule;
  readonly spec: StructuralSchema;
  readonly status: StructuralSchema | null;
  /** rules that need spec or status as a whole */
  readonly rules: readonly CelRule[];
  readonly columns: readonly Column[];
  /** paths that a field selector may use */
  readonly selectable: readonly string[];
};

const [GROUP = "", VERSION = ""] = API_VERSION.split("/");

/** A field whose schema is made from zod, with its own description. */
export const fieldOf = (schema: z.ZodType, description: string, notes: Notes): StructuralSchema => ({
  ...structuralSchema(schema, notes),
  description,
});

/** The condition of a type, as a column reads it. */
export const conditionPath = (type: string, key: "status" | "reason" | "message"): string =>
  `.status.conditions[?(@.type=="${type}")].${key}`;

/** The name's rule: metadata may have a schema for nothing else, and no description. */
const nameRules = ({ what, pattern, maxLength, form, never = [] }: TextRule): CelRule[] => [
  {
    rule: `size(self.metadata.name) <= ${maxLength} && ${matches("self.metadata.name", pattern.source)}`,
    message: `metadata.name must be ${what} of at most ${maxLength} characters: ${form}`,
  },
  ...never.map(({ pattern, message }) => ({
    rule: noneMatches("self.metadata.name", pattern.source),
    message: `metadata.name ${message}`,
  })),
];

const column = ({ name, type = "string", path, wide }: Column) => ({
  name,
  type,
  jsonPath: path,
  ...(wide === undefined ? {} : { priority: 1 }),
});

/** The CustomResourceDefinition of a kind (apiextensions.k8s.io/v1), namespaced, one version. */
export function customResource(of: Kind) {
  const { kind, description, plural, shortNames, categories, spec, status, selectable } = of;
  const schema: StructuralSchema = {
    type: "object",
    description,
    required: ["spec"],
    "x-kubernetes-validations": [...nameRules(of.name), ...of.rules],
    properties: {
      // the API server describes these three itself
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec,
      ...(status === null ? {} : { status }),
    },
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames, categories },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          ...(status === null ? {} : { subresources: { status: {} } }),
          additionalPrinterColumns: of.columns.map(column),
          ...(selectable.length === 0 ? {} : { selectableFields: selectable.map((jsonPath) => ({ jsonPath })) }),
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
  };
}
export type CustomResource = ReturnType<typeof customResource>;

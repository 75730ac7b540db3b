import { z } from "zod";
import { entries, text } from "./fields.ts";
import { OBJECT_NAME } from "./names.ts";
import { quote } from "./problem.ts";
import type { TextRule } from "./text-rule.ts";

const DURATION: TextRule = {
  what: "a duration",
  pattern: /^[1-9][0-9]{0,5}(s|m|h|d)$/,
  maxLength: 7,
  form: 'write a number and s, m, h or d, for example "90m"',
};

const QUANTITY: TextRule = {
  what: "a quantity",
  pattern: /^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/,
  maxLength: 32,
  form: 'write it as Kubernetes does, for example "500m" or "8Gi"',
};

const DATA_KEY: TextRule = {
  what: "a key of a Secret or ConfigMap",
  pattern: /^[A-Za-z0-9._-]+$/,
  maxLength: 253,
  form: "use letters, digits, dots, underscores and hyphens",
};

const LABEL_KEY: TextRule = {
  what: "a label's key",
  pattern: /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
  maxLength: 317,
  form: "write [<domain>/]<name>",
};

const LABEL_VALUE: TextRule = {
  what: "a label's value",
  pattern: /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
  maxLength: 63,
  form: "use letters, digits, dots, underscores and hyphens, with a letter or digit at both ends",
};

const ANNOTATION_VALUE: TextRule = {
  what: "an annotation's value",
  pattern: /^[^\0]*$/,
  maxLength: 4096,
  form: "write text",
  recognise: (value) =>
    value.includes("\0") ? { message: `${quote(value)} holds a NUL`, remedy: "remove it" } : undefined,
};

/** A length of time as text, `90m`. */
export const duration = (description: string, example: string): z.ZodString => text(DURATION, description, example);

/** An amount of cpu, memory or storage as Kubernetes writes it. */
export const quantity = (description: string, example: string): z.ZodString => text(QUANTITY, description, example);

/** Names an entry of a Secret or ConfigMap in the document's own namespace. `key` left out: the documented one. */
export const objectRef = (description: string, name: string) =>
  z
    .strictObject({
      name: text(OBJECT_NAME, "Name of the object, in this document's namespace.", name),
      key: text(DATA_KEY, "Key of its data; left out: the one that specs/README.md names.", "key").exactOptional(),
    })
    .meta({ description, examples: [{ name }] });

/** Labels of nodes or objects. */
export const labels = (description: string, example: Readonly<Record<string, string>>) =>
  entries(
    text(LABEL_KEY, "Key of a label.", "kubernetes.io/arch"),
    text(LABEL_VALUE, "Value of a label.", "amd64"),
    { min: 0, max: 64 },
    { description, example },
  );

/** metadata of an object that people apply themselves: a class or a source. */
export const objectMetadata = (description: string, example: string) =>
  z
    .strictObject({
      name: text(OBJECT_NAME, description, example),
      namespace: text(
        OBJECT_NAME,
        "Namespace in a cluster; the local process ignores it.",
        "imgrel-system",
      ).exactOptional(),
      labels: labels("Labels of the object.", { team: "platform" }).exactOptional(),
      annotations: entries(
        text(LABEL_KEY, "Key of an annotation.", "example.org/note"),
        text(ANNOTATION_VALUE, "Value of an annotation.", "see the runbook"),
        { min: 0, max: 64 },
        { description: "Annotations of the object.", example: { note: "see the runbook" } },
      ).exactOptional(),
    })
    .meta({ description: "Identity of the object.", examples: [{ name: example }] });

/** What outbound calls may reach. */
export const Network = z
  .strictObject({
    allowPrivate: z
      .boolean()
      .default(false)
      .meta({ description: "Whether private, loopback and cluster addresses may be called.", examples: [false] }),
    allowHTTP: z
      .boolean()
      .default(false)
      .meta({ description: "Whether http stands beside https; for tests and closed networks.", examples: [false] }),
  })
  .prefault({})
  .meta({
    description: "What outbound calls may reach; left out: public https only.",
    examples: [{ allowHTTP: false }],
  });

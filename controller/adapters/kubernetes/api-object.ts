import { z } from "zod";
import { apiVersionOf, type Resource } from "./resource.ts";

/** What every object has ("API Conventions", "Metadata"); what else it has stays as it came. */
export const ApiObject = z.looseObject({
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    uid: z.string(),
    resourceVersion: z.string(),
    generation: z.number().optional(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
    finalizers: z.array(z.string()).optional(),
    deletionTimestamp: z.string().optional(),
  }),
});
export type ApiObject = z.infer<typeof ApiObject>;

export const ApiList = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(ApiObject).nullish(),
});

/** A page of a list. */
export type ObjectPage = {
  readonly items: readonly ApiObject[];
  readonly resourceVersion: string;
  /** there is more: what to ask the next page with */
  readonly continue?: string;
};

/** An object as it is sent: type, name, and whatever it says. */
export type DraftObject = {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string | undefined;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
};

export const withType = (resource: Resource, draft: DraftObject): DraftObject => ({
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
  ...draft,
});

/** `namespace/name`, or the name alone: what queue and caches know an object by. */
export const keyOf = ({ metadata: { namespace, name } }: ApiObject): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

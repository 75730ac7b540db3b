import { ReleaseError } from "../../domain/errors.ts";

/** A kind as the API server knows it. The core group is "". */
export type Resource = {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  /** false: its objects belong to no namespace */
  readonly namespaced: boolean;
};

/** One object, or all of a namespace if `name` is left out, or of the cluster if `namespace` is, too. */
export type Place = {
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: "status" | "log" | undefined;
};

export const namespaced = (group: string, version: string, plural: string, kind: string): Resource => ({
  ...{ group, version, plural, kind, namespaced: true },
});

export const LEASES = namespaced("coordination.k8s.io", "v1", "leases", "Lease");
export const EVENTS = namespaced("events.k8s.io", "v1", "events", "Event");
export const JOBS = namespaced("batch", "v1", "jobs", "Job");
export const NODES: Resource = { group: "", version: "v1", plural: "nodes", kind: "Node", namespaced: false };
export const PODS = namespaced("", "v1", "pods", "Pod");

/** `group/version`, or the version alone for the core group. */
export const apiVersionOf = ({ group, version }: Resource): string => (group === "" ? version : `${group}/${version}`);

function segment(text: string): string {
  if (text !== "" && text !== "." && text !== ".." && !text.includes("/")) return encodeURIComponent(text);
  throw new ReleaseError("Usage", `${JSON.stringify(text)} is no name of an object`, "name it as Kubernetes does");
}

/**
 * The path of a call, without a slash in front ("API Concepts", "Resource URIs").
 * @throws ReleaseError Usage for what is no name
 */
export function pathOf({ resource, namespace, name, subresource }: Place): string {
  const { group, plural } = resource;
  const parts = [
    group === "" ? "api" : "apis",
    apiVersionOf(resource),
    ...(resource.namespaced && namespace !== undefined ? ["namespaces", segment(namespace)] : []),
    plural,
    ...(name === undefined ? [] : [segment(name)]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return parts.join("/");
}

/** For messages: `jobs.batch imgrel-build/x`. */
export function placeText({ resource, namespace, name, subresource }: Place): string {
  const kind = [resource.plural, resource.group].filter((part) => part !== "").join(".");
  const where = [resource.namespaced ? namespace : undefined, name].filter((part) => part !== undefined).join("/");
  return [kind, where, subresource].filter((part) => part !== undefined && part !== "").join(" ");
}

/** As access rules name it (RBAC, "Referring to resources"): `pods/log`. */
export const ruleName = ({ resource: { plural }, subresource }: Place): string =>
  subresource === undefined ? plural : `${plural}/${subresource}`;

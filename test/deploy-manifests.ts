import { parseAllDocuments, visit } from "yaml";
import { z } from "zod";
import type { Rights } from "../controller/adapters/kubernetes/rights.ts";

/** An object of a cluster, as a file has it. */
export const Manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }).optional(),
});
export type Manifest = z.infer<typeof Manifest>;

/**
 * The documents of a YAML stream, which must be plain data: no anchor, alias, tag or key that stands twice.
 * @throws Error naming `file`
 */
export function plainManifests(text: string, file: string): Manifest[] {
  return [...parseAllDocuments(text, { uniqueKeys: true })].map((document) => {
    const faults = [...document.errors, ...document.warnings].map(({ message }) => message);
    visit(document, {
      Alias: (_, { source }) => void faults.push(`the alias *${source}`),
      Node: (_, node) => {
        if (node.anchor !== undefined) faults.push(`the anchor &${node.anchor}`);
        if (node.tag !== undefined) faults.push(`the tag ${node.tag}`);
      },
    });
    if (faults.length > 0) throw new Error(`${file}: ${faults.join("; ")}`);
    return Manifest.parse(document.toJS());
  });
}

const Rule = z.strictObject({
  apiGroups: z.array(z.string()),
  resources: z.array(z.string()),
  resourceNames: z.array(z.string()).optional(),
  verbs: z.array(z.string()),
});
const Role = z.looseObject({ rules: z.array(Rule) });

/** One permission of a Role: verb and resource as in rights.ts; `names`: the only objects that it is about. */
export type Permission = { readonly resource: string; readonly verb: string; readonly names: readonly string[] | null };

/** What the rules of a Role, or of a SelfSubjectRulesReview, allow. */
export function permissionsOf(role: unknown): Permission[] {
  return Role.parse(role).rules.flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => {
        const [plural = "", below] = resource.split("/");
        const whole = [plural, group].filter((part) => part !== "").join(".");
        const name = below === undefined ? whole : `${whole}/${below}`;
        const names = resourceNames ?? null;
        return verbs.map((verb) => ({ resource: name, verb, names }));
      }),
    ),
  );
}

/** Permissions as a sorted list of `<verb> <resource>`, for comparison. */
export const listed = (permissions: readonly Pick<Permission, "resource" | "verb">[]): string[] =>
  [...new Set(permissions.map(({ resource, verb }) => `${verb} ${resource}`))].toSorted();

/** The same of a table of rights. */
export const listedRights = (rights: Rights): string[] =>
  listed(Object.entries(rights).flatMap(([resource, verbs]) => verbs.map((verb) => ({ resource, verb }))));

/** Every text in a value, with the path to it; keys are none. */
export function textsIn(value: unknown, path = ""): { readonly path: string; readonly text: string }[] {
  if (typeof value === "string") return [{ path, text: value }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => textsIn(member, `${path}.${key}`));
}

/** Hosts that a text names: in a URL, or in front of a repository's path. */
export function hostsIn(text: string): string[] {
  const urls = [...text.matchAll(/[a-z][a-z0-9+.-]*:\/\/(?:[^/@\s]*@)?([^/:\s]+)/g)].map(([, host = ""]) => host);
  const [, registry] = /^((?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*)(?::[0-9]+)?\/[a-z0-9]/.exec(text) ?? [];
  return registry === undefined ? urls : [...urls, registry];
}

/** Whether a host is one that cannot be (RFC 2606, RFC 6761). */
export const isExampleHost = (host: string): boolean => /(^|\.)(example|invalid|example\.(org|com|net))$/.test(host);

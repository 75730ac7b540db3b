/** Verbs by resource, both as RBAC names them: `<plural>[.<group>][/<subresource>]`. */
export type Rights = Readonly<Record<string, readonly string[]>>;

/**
 * All that the controller asks of an API server, and so all that its Roles in deploy/ grant. Whoever adds a call adds it
 * here and there; test/deploy.test.ts compares the two, test/system/deploy.test.ts makes the calls.
 */
export const RIGHTS = {
  /** in its own namespace */
  own: {
    "diskimagereleases.releases.powernode.io": ["list", "watch", "create", "patch"], // an apply may create
    "diskimagereleaseclasses.releases.powernode.io": ["list", "watch"],
    "diskimagereleasesources.releases.powernode.io": ["list", "watch"],
    "diskimagereleases.releases.powernode.io/status": ["patch"],
    "diskimagereleasesources.releases.powernode.io/status": ["patch"],
    "leases.coordination.k8s.io": ["get", "create", "patch"],
    "events.events.k8s.io": ["create", "patch"],
  },
  /** there too, but only of objects that are named: what classes and sources refer to */
  named: { secrets: ["get"], configmaps: ["get"] },
  /** in its own namespace where it takes webhooks: one that stands by passes them on (reconcile-request.ts) */
  webhook: { "diskimagereleasesources.releases.powernode.io": ["patch"] },
  /** in the whole cluster: which nodes there are, for preflight */
  cluster: { nodes: ["list"] },
  /** in the namespaces where classes build */
  builds: {
    "jobs.batch": ["create", "get", "list", "watch", "patch", "delete", "deletecollection"],
    pods: ["list", "watch"],
    "pods/log": ["get"],
    persistentvolumeclaims: ["create", "list", "deletecollection"],
    events: ["list"],
  },
} as const satisfies Record<string, Rights>;

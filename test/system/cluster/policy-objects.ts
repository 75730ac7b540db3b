import { z } from "zod";

const Labels = z.record(z.string(), z.string()).default({});

/** A label selector (Kubernetes API, meta/v1 LabelSelector); one without a condition selects everything. */
export const Selector = z.object({
  matchLabels: Labels,
  matchExpressions: z
    .array(
      z.object({
        key: z.string(),
        operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]),
        values: z.array(z.string()).default([]),
      }),
    )
    .default([]),
});
export type Selector = z.infer<typeof Selector>;

const Protocol = z.enum(["TCP", "UDP", "SCTP"]);
const Port = z.object({
  protocol: Protocol.default("TCP"),
  port: z.union([z.int(), z.string()]).optional(),
  endPort: z.int().optional(),
});
export type PolicyPort = z.infer<typeof Port>;

const Peer = z.object({
  ipBlock: z.object({ cidr: z.string(), except: z.array(z.string()).default([]) }).optional(),
  podSelector: Selector.optional(),
  namespaceSelector: Selector.optional(),
});
export type Peer = z.infer<typeof Peer>;

const Ports = z.array(Port).default([]);
const Peers = z.array(Peer).default([]);

/** What a NetworkPolicy (networking.k8s.io/v1) says; the API server has set policyTypes if nobody did. */
export const NetworkPolicy = z.object({
  metadata: z.object({ namespace: z.string() }),
  spec: z.object({
    podSelector: Selector,
    policyTypes: z.array(z.enum(["Ingress", "Egress"])),
    ingress: z.array(z.object({ from: Peers, ports: Ports })).default([]),
    egress: z.array(z.object({ to: Peers, ports: Ports })).default([]),
  }),
});
export type NetworkPolicy = z.infer<typeof NetworkPolicy>;

export const Pod = z.object({
  metadata: z.object({ namespace: z.string(), labels: Labels }),
  spec: z.object({
    hostNetwork: z.boolean().default(false),
    containers: z.array(
      z.object({
        ports: z
          .array(z.object({ name: z.string().optional(), containerPort: z.int(), protocol: Protocol.default("TCP") }))
          .default([]),
      }),
    ),
  }),
  status: z.object({ phase: z.string(), podIP: z.string().optional() }),
});
export type Pod = z.infer<typeof Pod>;

export const Namespace = z.object({ metadata: z.object({ name: z.string(), labels: Labels }) });
export type Namespace = z.infer<typeof Namespace>;

/** Whether labels fulfil all conditions of a selector. */
export function selects(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  const fulfils = ({ key, operator, values }: Selector["matchExpressions"][number]): boolean => {
    const value = labels[key];
    switch (operator) {
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
      default:
        return operator satisfies never;
    }
  };
  return (
    Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value) &&
    selector.matchExpressions.every(fulfils)
  );
}

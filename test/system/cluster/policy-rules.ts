import { type Namespace, type NetworkPolicy, type Peer, type Pod, type PolicyPort, selects } from "./policy-objects.ts";

export type PolicyWorld = {
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
  readonly policies: readonly NetworkPolicy[];
};

/** A pod that has an address on the pod network. */
type Addressed = Pod & { readonly address: string };

/** One end of a connection, as nft matches it; `pod` where it is a known one. */
type End = { readonly match: (field: "saddr" | "daddr") => string; readonly pod?: Addressed };

const everybody: End = { match: () => "" };
const podEnd = (pod: Addressed): End => ({ match: (field) => `ip ${field} ${pod.address} `, pod });

function addressed(pods: readonly Pod[]): Addressed[] {
  return pods.flatMap((pod) => {
    const { podIP, phase } = pod.status;
    const isOn = podIP !== undefined && !pod.spec.hostNetwork && (phase === "Pending" || phase === "Running");
    return isOn ? [{ ...pod, address: podIP }] : [];
  });
}

/** Who a rule's peers are. A rule without peers is about everybody. */
function endsOf(
  peers: readonly Peer[],
  own: string,
  pods: readonly Addressed[],
  namespaces: readonly Namespace[],
): End[] {
  if (peers.length === 0) return [everybody];
  return peers.flatMap(({ ipBlock, podSelector, namespaceSelector }): End[] => {
    if (ipBlock !== undefined) {
      if (ipBlock.cidr.includes(":")) return []; // there is no IPv6
      const { cidr, except } = ipBlock;
      const but = (field: string) => (except.length === 0 ? "" : `ip ${field} != { ${except.join(", ")} } `);
      return [{ match: (field) => `ip ${field} ${cidr} ${but(field)}` }];
    }
    const inNamespace = (name: string): boolean =>
      namespaceSelector === undefined
        ? name === own
        : namespaces.some(({ metadata }) => metadata.name === name && selects(namespaceSelector, metadata.labels));
    return pods
      .filter(({ metadata }) => inNamespace(metadata.namespace))
      .filter(({ metadata }) => podSelector === undefined || selects(podSelector, metadata.labels))
      .map(podEnd);
  });
}

/** Matches of the ports that a rule names, at `target`. A rule without ports is about all, of every protocol. */
function portMatches(ports: readonly PolicyPort[], target: Addressed | undefined): string[] {
  if (ports.length === 0) return [""];
  return ports.flatMap(({ protocol, port, endPort }) => {
    const name = protocol.toLowerCase();
    if (port === undefined) return [`meta l4proto ${name} `];
    if (typeof port === "number") return [`${name} dport ${port}${endPort === undefined ? "" : `-${endPort}`} `];
    const named = (target?.spec.containers ?? []).flatMap((container) => container.ports);
    return named
      .filter((one) => one.name === port && one.protocol === protocol)
      .map(({ containerPort }) => `${name} dport ${containerPort} `);
  });
}

/** Rules of one pod in one direction: who may pass goes on (`return`), all else meets the chain's end. */
function rulesOf(
  pod: Addressed,
  direction: "Ingress" | "Egress",
  pods: readonly Addressed[],
  world: PolicyWorld,
): string[] {
  const [own, other] = direction === "Egress" ? (["saddr", "daddr"] as const) : (["daddr", "saddr"] as const);
  const mine = world.policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === pod.metadata.namespace &&
      spec.policyTypes.includes(direction) &&
      selects(spec.podSelector, pod.metadata.labels),
  );
  const self = podEnd(pod).match(own);
  if (mine.length === 0) return [`${self}return`];
  return mine.flatMap(({ spec }) => {
    const rules =
      direction === "Egress"
        ? spec.egress.map(({ to, ports }) => ({ peers: to, ports }))
        : spec.ingress.map(({ from, ports }) => ({ peers: from, ports }));
    return rules.flatMap(({ peers, ports }) =>
      endsOf(peers, pod.metadata.namespace, pods, world.namespaces).flatMap((end) =>
        portMatches(ports, direction === "Egress" ? end.pod : pod).map(
          (port) => `${self}${end.match(other)}${port}return`,
        ),
      ),
    );
  });
}

/**
 * What NetworkPolicies (networking.k8s.io/v1) mean for the packets of a node that routes between its pods, as a whole nft
 * ruleset that takes the place of the one before. A pod whose address is not known yet may send and get nothing. The node
 * itself may reach every pod; pods reach the node's own addresses as egress rules say. IPv4 only.
 */
export function rulesetOf(world: PolicyWorld): string {
  const pods = addressed(world.pods).toSorted((a, b) => (a.address < b.address ? -1 : 1));
  const chain = (name: string, direction: "Ingress" | "Egress") => {
    const rules = new Set(pods.flatMap((pod) => rulesOf(pod, direction, pods, world)));
    return `\tchain ${name} {\n${[...rules, "drop"].map((rule) => `\t\t${rule}\n`).join("")}\t}\n`;
  };
  return `table inet pods
delete table inet pods
table inet pods {
${chain("egress", "Egress")}${chain("ingress", "Ingress")}	chain forward {
		type filter hook forward priority 0; policy drop;
		ct state established,related accept
		jump egress
		jump ingress
		accept
	}
	chain input {
		type filter hook input priority 0; policy accept;
		iifname != "veth*" accept
		ct state established,related accept
		jump egress
	}
}
`;
}

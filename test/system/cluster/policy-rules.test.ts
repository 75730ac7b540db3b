import { expect, test } from "vitest";
import { NetworkPolicy, Pod, Selector, selects } from "./policy-objects.ts";
import { rulesetOf } from "./policy-rules.ts";

const pod = (address: string, role: string, namespace = "build", rest: object = {}): Pod =>
  Pod.parse({
    metadata: { namespace, labels: { role } },
    spec: { containers: [{ ports: [{ name: "web", containerPort: 8080 }] }] },
    status: { phase: "Running", podIP: address },
    ...rest,
  });
const policy = (spec: object, namespace = "build"): NetworkPolicy =>
  NetworkPolicy.parse({ metadata: { namespace }, spec: { podSelector: {}, ...spec } });
const namespaces = [
  { metadata: { name: "build", labels: {} } },
  { metadata: { name: "other", labels: { trusted: "yes" } } },
];

/** The rules of a chain. */
function chain(name: string, pods: readonly Pod[], policies: readonly NetworkPolicy[]): string[] {
  const ruleset = rulesetOf({ pods, namespaces, policies });
  const [, body = ""] = new RegExp(`\\tchain ${name} \\{\\n([^]*?)\\n\\t\\}`).exec(ruleset) ?? [];
  return body.split("\n").map((line) => line.trim());
}

test("a pod that no policy selects may do everything, one without an address or on the host's network is not there", () => {
  const waiting = pod("10.244.0.9", "x", "build", { status: { phase: "Pending" } });
  const onHost = pod("10.244.0.1", "x", "build", { spec: { hostNetwork: true, containers: [] } });
  const ended = pod("10.244.0.8", "x", "build", { status: { phase: "Succeeded", podIP: "10.244.0.8" } });
  const pods = [pod("10.244.0.10", "a"), waiting, onHost, ended];
  expect(chain("egress", pods, [])).toEqual(["ip saddr 10.244.0.10 return", "drop"]);
  expect(chain("ingress", pods, [])).toEqual(["ip daddr 10.244.0.10 return", "drop"]);
});

test("egress goes to the blocks and ports that are named, and nowhere else", () => {
  const to = [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }];
  const ports = [{ port: 5000 }, { protocol: "UDP", port: 50, endPort: 53 }];
  const only = policy({
    podSelector: { matchLabels: { role: "a" } },
    policyTypes: ["Egress"],
    egress: [{ to, ports }],
  });
  expect(chain("egress", [pod("10.244.0.10", "a"), pod("10.244.0.11", "b")], [only])).toEqual([
    "ip saddr 10.244.0.10 ip daddr 10.0.0.0/8 ip daddr != { 10.1.0.0/16 } tcp dport 5000 return",
    "ip saddr 10.244.0.10 ip daddr 10.0.0.0/8 ip daddr != { 10.1.0.0/16 } udp dport 50-53 return",
    "ip saddr 10.244.0.11 return",
    "drop",
  ]);
});

test("a policy without rules closes its direction, and only its own namespace's pods", () => {
  const closed = policy({ policyTypes: ["Ingress", "Egress"] });
  const pods = [pod("10.244.0.10", "a"), pod("10.244.0.11", "a", "other")];
  expect(chain("egress", pods, [closed])).toEqual(["ip saddr 10.244.0.11 return", "drop"]);
  expect(chain("ingress", pods, [closed])).toEqual(["ip daddr 10.244.0.11 return", "drop"]);
});

test("peers are pods of the own namespace, or of those that are selected; a named port is the receiver's", () => {
  const pods = [
    pod("10.244.0.10", "a"),
    pod("10.244.0.11", "b"),
    pod("10.244.0.12", "b", "other"),
    pod("10.244.0.13", "a", "other"),
  ];
  const from = [
    { podSelector: { matchLabels: { role: "b" } } },
    { podSelector: { matchLabels: { role: "b" } }, namespaceSelector: { matchLabels: { trusted: "yes" } } },
  ];
  const open = policy({
    podSelector: { matchLabels: { role: "a" } },
    policyTypes: ["Ingress"],
    ingress: [{ from, ports: [{ port: "web" }, { port: "no such" }] }],
  });
  expect(chain("ingress", pods, [open]).filter((rule) => rule.startsWith("ip daddr 10.244.0.10"))).toEqual([
    "ip daddr 10.244.0.10 ip saddr 10.244.0.11 tcp dport 8080 return",
    "ip daddr 10.244.0.10 ip saddr 10.244.0.12 tcp dport 8080 return",
  ]);
});

test("a rule without peers is about everybody, and one of IPv6 about nobody here", () => {
  const open = policy({ policyTypes: ["Egress"], egress: [{}] });
  expect(chain("egress", [pod("10.244.0.10", "a")], [open])).toEqual(["ip saddr 10.244.0.10 return", "drop"]);
  const six = policy({ policyTypes: ["Egress"], egress: [{ to: [{ ipBlock: { cidr: "fd00::/8" } }] }] });
  expect(chain("egress", [pod("10.244.0.10", "a")], [six])).toEqual(["drop"]);
});

test.each([
  [{ key: "role", operator: "In", values: ["a", "b"] }, [true, false, false]],
  [{ key: "role", operator: "NotIn", values: ["a", "b"] }, [false, true, true]],
  [{ key: "role", operator: "Exists" }, [true, true, false]],
  [{ key: "role", operator: "DoesNotExist" }, [false, false, true]],
])("a selector knows %j", (expression, expected) => {
  const selector = Selector.parse({ matchExpressions: [expression] });
  expect(
    [{ role: "a" }, { role: "c" }, {}].map((labels) => selects(selector, labels as Record<string, string>)),
  ).toEqual(expected);
});

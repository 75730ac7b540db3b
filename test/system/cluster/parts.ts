import { type ClusterNode, FIRST_NODE } from "./nodes.ts";

/** One program of a node, supervised by init.sh: started again when it ends. Paths are those inside the node. */
export type Part = { readonly name: string; readonly program: string; readonly args: readonly string[] };

/** What the node's folder is called inside it. */
export const INSIDE = "/run/cluster";

/** Addresses inside the cluster's network. */
export const API_ADDRESS = "127.0.0.1:443";
export const REGISTRY_ADDRESS = `${FIRST_NODE.address}:5000`;

const key = (name: string): string => `${INSIDE}/keys/${name}`;
const config = (name: string): string => `${INSIDE}/etc/${name}`;
const flags = (values: Readonly<Record<string, string>>): string[] =>
  Object.entries(values).map(([name, value]) => `--${name}=${value}`);

/** How a part that talks to the API server says who it is; it asks the same server who others are. */
const identity = (user: string) =>
  flags({
    kubeconfig: config(`${user}.kubeconfig`),
    "authentication-kubeconfig": config(`${user}.kubeconfig`),
    "authorization-kubeconfig": config(`${user}.kubeconfig`),
    "leader-elect": "false",
    "bind-address": "127.0.0.1",
  });

const etcd: Part = {
  name: "etcd",
  program: "etcd",
  args: [
    ...flags({
      "data-dir": "/var/lib/etcd",
      "listen-client-urls": "http://127.0.0.1:2379",
      "advertise-client-urls": "http://127.0.0.1:2379",
      "listen-peer-urls": "http://127.0.0.1:2380",
      "log-level": "warn",
    }),
    "--unsafe-no-fsync", // a machine that loses power loses the cluster anyway
  ],
};

const apiServer: Part = {
  name: "kube-apiserver",
  program: "kube-apiserver",
  args: flags({
    "etcd-servers": "http://127.0.0.1:2379",
    "bind-address": "0.0.0.0",
    "secure-port": "443",
    "advertise-address": FIRST_NODE.address,
    "service-cluster-ip-range": "10.96.0.0/16",
    "endpoint-reconciler-type": "none",
    "tls-cert-file": key("apiserver.crt"),
    "tls-private-key-file": key("apiserver.key"),
    "client-ca-file": key("ca.crt"),
    "token-auth-file": key("tokens.csv"),
    "kubelet-client-certificate": key("kubelet-client.crt"),
    "kubelet-client-key": key("kubelet-client.key"),
    "kubelet-preferred-address-types": "InternalIP",
    "authorization-mode": "Node,RBAC",
    "enable-admission-plugins": "NodeRestriction",
    "allow-privileged": "true",
    "service-account-issuer": "https://kubernetes.default.svc",
    "service-account-key-file": key("service-accounts.key"),
    "service-account-signing-key-file": key("service-accounts.key"),
    "feature-gates": "MutatingAdmissionPolicy=true", // for ARCH_POLICY
    "runtime-config": "admissionregistration.k8s.io/v1beta1=true",
  }),
};

const registry: Part = { name: "registry", program: "docker-registry", args: ["serve", config("registry.json")] };

/** Carries connections to a socket in the node's folder, which the host sees too, to an address inside. */
const carry = (name: string, address: string): Part => ({
  name: `carry-${name}`,
  program: "socat",
  args: [`UNIX-LISTEN:${INSIDE}/${name}.sock,fork,backlog=128,unlink-early`, `TCP:${address},nodelay`],
});

/** Parts that wait for nobody. */
export const FIRST_PARTS: readonly Part[] = [
  etcd,
  apiServer,
  registry,
  carry("api", API_ADDRESS),
  carry("registry", REGISTRY_ADDRESS),
];

/** Parts for which the API server must be ready. */
export const SECOND_PARTS: readonly Part[] = [
  {
    name: "kube-controller-manager",
    program: "kube-controller-manager",
    args: [
      ...identity("controller-manager"),
      ...flags({
        "use-service-account-credentials": "true",
        "service-account-private-key-file": key("service-accounts.key"),
        "root-ca-file": key("ca.crt"),
        // by default 20 requests a second, which a few releases with their Jobs wait for
        "kube-api-qps": "200",
        "kube-api-burst": "400",
      }),
    ],
  },
  { name: "kube-scheduler", program: "kube-scheduler", args: identity("scheduler") },
];

export const containerdOf = ({ name }: ClusterNode): Part => ({
  name: `containerd-${name}`,
  program: "containerd",
  args: ["--config", config(`containerd-${name}.toml`)],
});

/** Needs its containerd with images, and the API server. `labels` are `name=value`. */
export const kubeletOf = ({ name, address }: ClusterNode, labels: readonly string[]): Part => ({
  name: `kubelet-${name}`,
  program: "kubelet",
  args: flags({
    config: config(`kubelet-${name}.json`),
    kubeconfig: config(`${name}.kubeconfig`),
    "hostname-override": name,
    "node-ip": address,
    "node-labels": labels.join(","),
    "root-dir": `/var/lib/${name}/kubelet`,
    "cert-dir": `/var/lib/${name}/kubelet/pki`,
  }),
});

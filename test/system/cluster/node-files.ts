import { IMAGES } from "./images.ts";
import { type ClusterNode, containerdSocket, FIRST_NODE, NODES } from "./nodes.ts";
import { INSIDE, REGISTRY_ADDRESS } from "./parts.ts";

/** containerd's configuration, version 2. `nonet` is the handler of the RuntimeClass of that name. */
const containerd = (node: ClusterNode): string => `version = 2
root = "/var/lib/${node.name}/containerd"
state = "/run/${node.name}/containerd"
[grpc]
  address = "${containerdSocket(node)}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${IMAGES}:pause"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${INSIDE}/cni"
    conf_dir = "${INSIDE}/etc/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${INSIDE}/etc/registries"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nonet]
    runtime_type = "io.containerd.runc.v2"
    cni_conf_dir = "${INSIDE}/etc/cni-nonet"
    cni_max_conf_num = 1
`;

/** Pods with a wire to the node each, which routes between them: they reach the API server, the registry, each other. */
const PODS = {
  cniVersion: "0.4.0",
  name: "pods",
  plugins: [
    {
      type: "ptp",
      ipMasq: false,
      ipam: {
        type: "host-local",
        dataDir: "/var/lib/cni/addresses",
        ranges: [[{ subnet: "10.244.0.0/24", gateway: FIRST_NODE.address, rangeStart: "10.244.0.10" }]],
        routes: [{ dst: "0.0.0.0/0" }],
      },
    },
  ],
};

/** Pods of the class nonet (nowhere.sh). */
const NONET = { cniVersion: "0.4.0", name: "nonet", plugins: [{ type: "nowhere" }] };

const kubelet = (node: ClusterNode) => ({
  apiVersion: "kubelet.config.k8s.io/v1beta1",
  kind: "KubeletConfiguration",
  containerRuntimeEndpoint: `unix://${containerdSocket(node)}`,
  address: node.address,
  healthzPort: 0,
  cgroupRoot: `/${node.name}`,
  podLogsDir: `/var/log/${node.name}/pods`,
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: `${INSIDE}/keys/ca.crt` },
  },
  authorization: { mode: "Webhook" },
  cgroupDriver: "cgroupfs",
  failCgroupV1: false,
  failSwapOn: false,
  enforceNodeAllocatable: [],
  oomScoreAdj: 0, // a negative one needs CAP_SYS_RESOURCE, which not every machine gives to root
  resolvConf: "",
  clusterDomain: "cluster.local",
  clusterDNS: [FIRST_NODE.address], // nobody answers there; without one every pod gets an event of warning
  evictionHard: { "memory.available": "100Mi", "nodefs.available": "1Gi", "imagefs.available": "1Gi" },
  imageGCHighThresholdPercent: 100,
  nodeStatusUpdateFrequency: "2s",
  syncFrequency: "10s",
  volumePluginDir: `/var/lib/${node.name}/volume-plugins`,
});

/** The registry speaks plain http; nothing outside this network reaches it but through this machine's loopback. */
const REGISTRY = {
  version: 0.1,
  log: { level: "warn", accesslog: { disabled: true } },
  storage: { filesystem: { rootdirectory: "/var/lib/registry" }, delete: { enabled: true } },
  http: { addr: REGISTRY_ADDRESS },
};

/** containerd asks by https unless it is told of plain http (its docs/hosts.md). */
const PLAIN_HTTP = `[host."http://${REGISTRY_ADDRESS}"]
  capabilities = ["pull", "resolve"]
`;

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

/** Programs that containerd calls for the network of pods, by name below `cni`; `nowhere` stands beside them. */
export const CNI_PLUGINS = ["ptp", "host-local", "loopback"].map((name) => [name, `/usr/lib/cni/${name}`] as const);

/** Configuration of the node's parts, by path below its folder. */
export const NODE_FILES: Readonly<Record<string, string>> = {
  "etc/cni/pods.conflist": json(PODS),
  "etc/cni-nonet/nonet.conflist": json(NONET),
  [`etc/registries/${REGISTRY_ADDRESS}/hosts.toml`]: PLAIN_HTTP,
  "etc/registry.json": json(REGISTRY),
  ...Object.fromEntries(
    NODES.flatMap((node) => [
      [`etc/containerd-${node.name}.toml`, containerd(node)],
      [`etc/kubelet-${node.name}.json`, json(kubelet(node))],
    ]),
  ),
};

/**
 * A node of the cluster. Both share namespaces, root and network; each has its own containerd, kubelet and control
 * groups. Its name is also that of its user, its files and its folders.
 */
export type ClusterNode = { readonly name: "node" | "node-2"; readonly address: string };

export const FIRST_NODE: ClusterNode = { name: "node", address: "10.244.0.1" };
export const SECOND_NODE: ClusterNode = { name: "node-2", address: "10.244.0.2" };
export const NODES: readonly ClusterNode[] = [FIRST_NODE, SECOND_NODE];

/** Where a node's containerd answers, inside. */
export const containerdSocket = ({ name }: ClusterNode): string => `/run/${name}/containerd.sock`;

/** Label of a node that stands for another architecture than its machine's; archPolicy copies it. */
const ARCH_LABEL = "imgrel.test/arch";
export const archLabel = (arch: string): string => `${ARCH_LABEL}=${arch}`;

/**
 * Lets a node say that it is of another architecture. A kubelet sets `kubernetes.io/arch` to its own again and again, so
 * the API server is told to put {@link ARCH_LABEL} there instead (MutatingAdmissionPolicy, v1beta1).
 */
export const ARCH_POLICY = {
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "admissionregistration.k8s.io/v1beta1",
      kind: "MutatingAdmissionPolicy",
      metadata: { name: "node-arch" },
      spec: {
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: [""],
              apiVersions: ["v1"],
              operations: ["CREATE", "UPDATE"],
              resources: ["nodes", "nodes/status"],
            },
          ],
        },
        matchConditions: [{ name: "labelled", expression: `'${ARCH_LABEL}' in object.metadata.labels` }],
        failurePolicy: "Fail",
        reinvocationPolicy: "IfNeeded",
        mutations: [
          {
            patchType: "ApplyConfiguration",
            applyConfiguration: {
              expression: `Object{metadata: Object.metadata{labels: {'kubernetes.io/arch': object.metadata.labels['${ARCH_LABEL}']}}}`,
            },
          },
        ],
      },
    },
    {
      apiVersion: "admissionregistration.k8s.io/v1beta1",
      kind: "MutatingAdmissionPolicyBinding",
      metadata: { name: "node-arch" },
      spec: { policyName: "node-arch" },
    },
  ],
};

import { NODES } from "./nodes.ts";

/** How many volumes a cluster has from the start. */
const VOLUMES = 32;

/** Where volume `name` lies, below the node's /var/lib and the cluster's folder's `lib`. */
export const volumeFolder = (name: string): string => `volumes/${name}`;

/** A volume that a claim of the storage class `static` binds once. Its folder must be there (volumeFolder). */
const volume = (name: string) => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name },
  spec: {
    capacity: { storage: "20Gi" },
    accessModes: ["ReadWriteOnce"],
    persistentVolumeReclaimPolicy: "Retain",
    storageClassName: "static",
    local: { path: `/var/lib/${volumeFolder(name)}` },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          {
            matchExpressions: [
              { key: "kubernetes.io/hostname", operator: "In", values: NODES.map(({ name }) => name) },
            ],
          },
        ],
      },
    },
  },
});

export const VOLUME_NAMES: readonly string[] = Array.from({ length: VOLUMES }, (_, index) => `static-${index + 1}`);

/** What a real cluster's operator would have set up: a storage class, here the default, and a class without network. */
export const BASE_OBJECTS = {
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: "static", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
      provisioner: "kubernetes.io/no-provisioner",
      volumeBindingMode: "WaitForFirstConsumer",
    },
    { apiVersion: "node.k8s.io/v1", kind: "RuntimeClass", metadata: { name: "nonet" }, handler: "nonet" },
    ...VOLUME_NAMES.map(volume),
  ],
};

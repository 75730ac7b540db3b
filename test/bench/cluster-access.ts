import type { ApiConnection } from "../../controller/adapters/kubernetes/connection.ts";
import { accessFrom } from "../system/cluster/credentials.ts";

/**
 * Reaches a test cluster by its kubeconfig's token, as a pod reaches its own cluster: without client-node, whose import
 * alone costs 85 MB.
 */
export function tokenConnection(kubeconfig: string, namespace: string): ApiConnection {
  const { port, ca, token } = accessFrom(kubeconfig);
  const headers = { authorization: `Bearer ${token}` };
  return { server: new URL(`https://127.0.0.1:${port}/`), tls: { ca }, headers: async () => headers, namespace };
}

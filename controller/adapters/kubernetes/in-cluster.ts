import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isIPv6 } from "node:net";
import { ReleaseError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ApiConnection } from "./connection.ts";

/** Where the kubelet mounts a pod's service account. */
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Milliseconds for which a token is used before its file is read again; the kubelet renews it long before it ends. */
const TOKEN_AGE = 60_000;

type Options = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly folder?: string;
};

/** Whether this process runs in a pod that may speak to its cluster. */
export const isInCluster = (env: Options["env"]): boolean =>
  env["KUBERNETES_SERVICE_HOST"] !== undefined && env["KUBERNETES_SERVICE_PORT"] !== undefined;

/**
 * The cluster that this process runs in ("Accessing the Kubernetes API from a Pod").
 * @throws ReleaseError InputMissing if the pod has no service account's token
 */
export async function connectInCluster({ env, clock, folder = SERVICE_ACCOUNT }: Options): Promise<ApiConnection> {
  const { KUBERNETES_SERVICE_HOST: host = "", KUBERNETES_SERVICE_PORT: port = "" } = env;
  const read = (name: string): Promise<string> =>
    readFile(join(folder, name), "utf8").catch((cause: unknown) => {
      const remedy = "let the pod have its service account's token (automountServiceAccountToken)";
      throw new ReleaseError("InputMissing", `${join(folder, name)} cannot be read`, remedy, { cause });
    });
  const [ca, namespace] = await Promise.all([read("ca.crt"), read("namespace")]);
  let token = "";
  let readAt = Number.NEGATIVE_INFINITY;
  const headers = async () => {
    if (clock.monotonic() - readAt >= TOKEN_AGE) {
      token = (await read("token")).trim();
      readAt = clock.monotonic();
    }
    return { authorization: `Bearer ${token}` };
  };
  await headers();
  const server = new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}/`);
  return { server, tls: { ca }, headers, namespace: namespace.trim() };
}

import type { RequestOptions } from "node:https";
import { ReleaseError } from "../../domain/errors.ts";
import type { ApiConnection } from "./connection.ts";

const refuse = (file: string, message: string, remedy: string, cause?: unknown): ReleaseError =>
  new ReleaseError("ClusterRefused", `${file}: ${message}`, remedy, { cause });

/** The header fields among the options that client-node filled in. */
const headersOf = ({ headers = {} }: RequestOptions): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));

/**
 * The current context of a kubeconfig file: certificates, tokens, OIDC and credential programs, as client-node knows
 * them. It costs about 85 MB of memory, so only who is outside of a cluster loads it.
 * @throws ReleaseError InputMissing if the file cannot be read; ClusterRefused if its cluster is not to be trusted
 */
export async function connectByKubeconfig(file: string): Promise<ApiConnection> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  try {
    config.loadFromFile(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ReleaseError("InputMissing", `cannot read ${file}: ${reason}`, "name a kubeconfig file", { cause });
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw refuse(file, "its current-context names no cluster", "kubectl config use-context sets it");
  if (!cluster.server.startsWith("https:"))
    throw refuse(file, "its server is not https", "use the server's TLS address");
  if (cluster.skipTLSVerify) {
    throw refuse(file, "insecure-skip-tls-verify is set", "name the cluster's certificate-authority instead");
  }
  if (cluster.proxyUrl !== undefined) throw refuse(file, "proxy-url is set", "reach the API server without a proxy");
  const apply = async (): Promise<RequestOptions> => {
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options).catch((cause: unknown) => {
      throw new ReleaseError("Unauthorized", `${file}: no credentials: ${String(cause)}`, "see what kubectl says", {
        cause,
      });
    });
    return options;
  };
  const { ca, cert, key, servername, auth } = await apply();
  if (auth !== undefined && auth !== null) throw refuse(file, "it has a user name and password", "use a token");
  const given = <T>(name: string, value: T | undefined) => (value === undefined ? {} : { [name]: value });
  return {
    server: new URL(cluster.server.replace(/\/*$/, "/")),
    tls: { ...given("ca", ca), ...given("cert", cert), ...given("key", key), ...given("servername", servername) },
    headers: async () => headersOf(await apply()),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? "default",
  };
}

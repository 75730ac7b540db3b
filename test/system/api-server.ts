import { readFile } from "node:fs/promises";
import { request } from "node:https";
import type { Kind } from "../../controller/domain/documents.ts";
import { API_VERSION } from "../../controller/domain/release.ts";
import { STORED_KINDS } from "../contracts/stored-corpus.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { accessFrom } from "./cluster/credentials.ts";

/** What the API server answered; a Status object if it refused. */
export type Answer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

/** Calls of a cluster's API server as its admin, with JSON both ways. */
export type ApiServer = (method: "GET" | "POST" | "PUT", path: string, body?: unknown) => Promise<Answer>;

/** Opens the API server of a cluster that is up. */
export async function openApiServer({ kubeconfig }: Pick<Cluster, "kubeconfig">): Promise<ApiServer> {
  const { port, ca, token } = accessFrom(await readFile(kubeconfig, "utf8"));
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const to = { host: "127.0.0.1", port, path, method, ca, headers, timeout: 30_000 };
      const call = request(to, (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(parts).toString("utf8");
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Answer["body"] });
        });
      });
      call.on("timeout", () => call.destroy(new Error(`${method} ${path}: no answer`)));
      call.on("error", reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

/** Path of a kind's objects in a namespace, or of one of them. */
export const pathOf = (kind: Kind, namespace: string, name?: string): string =>
  `/apis/${API_VERSION}/namespaces/${namespace}/${STORED_KINDS[kind].crd.spec.names.plural}` +
  (name === undefined ? "" : `/${name}`);

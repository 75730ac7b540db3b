import { get } from "node:https";
import { z } from "zod";

/** How to ask an API server as its admin, without a client library. */
export type ApiAccess = { readonly port: number; readonly ca: string; readonly token: string };

/** Status and body of a GET; undefined if nothing answers yet. */
export function ask(
  { port, ca, token }: ApiAccess,
  path: string,
): Promise<{ status: number; body: string } | undefined> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}` };
    const request = get({ host: "127.0.0.1", port, path, ca, headers, timeout: 5000, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", () => resolve(undefined));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString("utf8") }),
      );
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}

const NodeStatus = z.object({
  status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) }),
});

export const isApiReady = async (access: ApiAccess): Promise<boolean> => (await ask(access, "/readyz"))?.status === 200;

export async function isNodeReady(access: ApiAccess, name: string): Promise<boolean> {
  const answer = await ask(access, `/api/v1/nodes/${name}`);
  if (answer?.status !== 200) return false;
  const { conditions } = NodeStatus.parse(JSON.parse(answer.body)).status;
  return conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

/** Without it no pod can be made in the namespace. */
export const hasDefaultAccount = async (access: ApiAccess): Promise<boolean> =>
  (await ask(access, "/api/v1/namespaces/default/serviceaccounts/default"))?.status === 200;

import type { AgentOptions } from "node:https";

/** How an API server is reached, and who we are there. */
export type ApiConnection = {
  /** its base address; a path in it stays in front of every call's */
  readonly server: URL;
  /** whom to trust, and a client certificate where there is one */
  readonly tls: Pick<AgentOptions, "ca" | "cert" | "key" | "servername">;
  /** Authorization and the like, asked for before each request: tokens are renewed */
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
  /** the namespace that this connection is at home in */
  readonly namespace: string;
};

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent, request } from "node:https";
import type { AddressInfo } from "node:net";
import { accessFrom } from "./cluster/credentials.ts";
import type { Cluster } from "./cluster/cluster.ts";

/** What a watch may meet with. `expired` is HTTP 410, `expired later` an event of the same meaning in a stream. */
export const WATCH_FAULTS = ["throttled", "server error", "reset", "expired", "expired later", "cut off"] as const;
export type WatchFault = (typeof WATCH_FAULTS)[number];

export type WatchFaults = AsyncDisposable & {
  /** base address, plain http on loopback */
  readonly url: URL;
  /** breaks all watches, and gives whoever watches anew this fault, until `mend` */
  readonly break: (fault: WatchFault) => void;
  readonly mend: () => void;
  /** how many watches of releases met with the present fault */
  readonly met: () => number;
};

/** A Status object ("API Conventions", "Response Status Kind"). */
const status = (code: number, reason: string): string =>
  JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message: "by the test" });

function inject(fault: WatchFault, response: ServerResponse): void {
  const json = { "content-type": "application/json" };
  switch (fault) {
    case "throttled":
      response.writeHead(429, { ...json, "retry-after": "1" }).end(status(429, "TooManyRequests"));
      return;
    case "server error":
      response.writeHead(500, json).end(status(500, "InternalError"));
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
    case "expired":
      response.writeHead(410, json).end(status(410, "Expired"));
      return;
    case "expired later":
      response.writeHead(200, json).end(`{"type":"ERROR","object":${status(410, "Expired")}}\n`);
      return;
    case "cut off":
      response.writeHead(200, json).write('{"type":"ADDED","object":{"met', () => response.destroy());
      return;
  }
}

/** A way to a cluster's API server on which watches can be broken; all else passes. */
export async function startWatchFaults({ kubeconfig }: Pick<Cluster, "kubeconfig">): Promise<WatchFaults> {
  const { port, ca } = accessFrom(await readFile(kubeconfig, "utf8"));
  const agent = new Agent({ keepAlive: true, ca });
  const watches = new Set<ServerResponse>();
  let present: WatchFault | undefined;
  let met = 0;

  function pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { method, url: path = "", headers } = incoming;
    const isWatch = path.includes("watch=1");
    if (isWatch && present !== undefined) {
      if (path.includes("/diskimagereleases?")) met += 1;
      inject(present, response);
      return;
    }
    const upstream = request({ host: "127.0.0.1", port, path, method, headers, agent });
    const broken = (): void => {
      upstream.destroy();
      response.destroy();
    };
    if (isWatch) watches.add(response);
    response.on("error", broken).on("close", () => {
      watches.delete(response);
      if (!response.writableFinished) broken();
    });
    upstream.on("error", broken).on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on("error", broken).pipe(response);
    });
    incoming.on("error", broken).pipe(upstream);
  }

  const server = createServer(pass);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
    break: (fault) => {
      [present, met] = [fault, 0];
      for (const watch of watches) watch.socket?.resetAndDestroy();
    },
    mend: () => {
      present = undefined;
    },
    met: () => met,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
        agent.destroy();
      }),
  };
}

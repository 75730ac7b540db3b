import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type FileServer = AsyncDisposable & {
  /** `http://<address>:<port>/` */
  readonly url: URL;
  /** what was asked for, in order: method, path and the Range header, if there was one */
  readonly requests: string[];
};

/** Answers one request; the n-th request for a path has `nth` n, from 1. */
export type Handler = (request: IncomingMessage, response: ServerResponse, nth: number) => void;

/** An http server that answers as a test wants: on loopback, or on another address of the network it is started in. */
export async function startFileServer(handle: Handler, address = "127.0.0.1"): Promise<FileServer> {
  const requests: string[] = [];
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    const nth = (counts.get(path) ?? 0) + 1;
    counts.set(path, nth);
    requests.push([request.method, path, request.headers.range].filter((part) => part !== undefined).join(" "));
    handle(request, response, nth);
  });
  await new Promise<void>((listening) => server.listen(0, address, listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://${address}:${port}/`),
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

/** Sends bytes as a server that knows ranges does. */
export function sendFile(request: IncomingMessage, response: ServerResponse, content: Uint8Array): void {
  const from = /^bytes=([0-9]+)-$/.exec(request.headers.range ?? "")?.[1];
  if (from === undefined) {
    response.writeHead(200, { "content-length": content.length }).end(content);
    return;
  }
  const start = Number(from);
  if (start >= content.length) {
    response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
    return;
  }
  const rest = content.subarray(start);
  response
    .writeHead(206, {
      "content-length": rest.length,
      "content-range": `bytes ${start}-${content.length - 1}/${content.length}`,
    })
    .end(rest);
}

/** Promises the whole, sends the first `bytes` and breaks the connection. */
export function sendCut(response: ServerResponse, content: Uint8Array, bytes: number): void {
  response.writeHead(200, { "content-length": content.length });
  response.write(content.subarray(0, bytes), () => setTimeout(() => response.destroy(), 20));
}

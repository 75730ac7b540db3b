import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { ReleaseError } from "../domain/errors.ts";
import { parseListenAddress } from "../domain/listen-address.ts";

/** A server that listens. `close` ends what is under way. */
export type HttpListener = { readonly host: string; readonly port: number; readonly close: () => Promise<void> };

/** Milliseconds in which a request must have come whole. */
const REQUEST_LIMIT = 10_000;

/** Connections at a time; more are closed at once. */
const MAX_CONNECTIONS = 256;

/**
 * Serves http at an address ({@link parseListenAddress}).
 * @param requestLimit milliseconds after which a request that has not come whole is cut off
 * @throws ReleaseError Usage if it cannot listen there
 */
export async function listen(
  address: string,
  handle: RequestListener,
  requestLimit = REQUEST_LIMIT,
): Promise<HttpListener> {
  const where = parseListenAddress(address);
  const limits = { requestTimeout: requestLimit, headersTimeout: requestLimit };
  const server = createServer({ ...limits, connectionsCheckingInterval: requestLimit / 10 }, handle);
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((listening, failed) => {
    server.once("error", (cause) =>
      failed(new ReleaseError("Usage", `cannot listen at ${address}: ${cause.message}`, "choose another", { cause })),
    );
    server.listen(where, listening);
  });
  const bound = server.address() as AddressInfo;
  return {
    host: bound.address,
    port: bound.port,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

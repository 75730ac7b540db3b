import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ReleaseError } from "../domain/errors.ts";
import type { Health } from "../domain/health.ts";

export type Probes = {
  readonly livez: () => Health;
  readonly readyz: () => Health;
  /** the metrics, and their media type */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>;
};

export type ProbeServer = { readonly host: string; readonly port: number; readonly close: () => Promise<void> };

/** `<host>:<port>`, `[<IPv6>]:<port>` or `:<port>` for every address; port 0: any free one. */
function parseAddress(address: string): { host?: string; port: number } {
  const [, six, four, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):([0-9]{1,5})$/.exec(address) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) {
    throw new ReleaseError("Usage", `${JSON.stringify(address)} is not an address to listen at`, "write <host>:<port>");
  }
  const host = six ?? four;
  return host === undefined || host === "" ? { port } : { host, port };
}

const probeText = (health: Health): { status: number; type: string; text: string } => ({
  status: health.failing.length === 0 ? 200 : 503,
  type: "text/plain; charset=utf-8",
  text: health.failing.length === 0 ? "ok\n" : `${health.failing.join("\n")}\n`,
});

/**
 * Answers GET /livez, /readyz and /metrics, and nothing else.
 * @throws ReleaseError Usage if it cannot listen at the address
 */
export async function serveProbes(address: string, probes: Probes): Promise<ProbeServer> {
  const { host, port } = parseAddress(address);
  const answers: Readonly<Record<string, () => Promise<{ status: number; type: string; text: string }>>> = {
    "/livez": async () => probeText(probes.livez()),
    "/readyz": async () => probeText(probes.readyz()),
    "/metrics": async () => ({ status: 200, ...(await probes.metrics()) }),
  };
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    const path = (request.url ?? "").replace(/\?.*$/s, "");
    const answer = Object.hasOwn(answers, path) ? answers[path] : undefined;
    if (answer === undefined || request.method !== "GET") {
      response.writeHead(answer === undefined ? 404 : 405).end();
      return;
    }
    answer().then(
      ({ status, type, text }) => response.writeHead(status, { "content-type": type }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", (cause) =>
      failed(new ReleaseError("Usage", `cannot listen at ${address}: ${cause.message}`, "choose another", { cause })),
    );
    server.listen({ port, ...(host === undefined ? {} : { host }) }, listening);
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

import type { Health } from "../domain/health.ts";
import { type HttpListener, listen } from "./http-listener.ts";

export type Probes = {
  readonly livez: () => Health;
  readonly readyz: () => Health;
  /** the metrics, and their media type */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>;
};

type Answer = { readonly status: number; readonly type: string; readonly text: string };

const probeText = (health: Health): Answer => ({
  status: health.failing.length === 0 ? 200 : 503,
  type: "text/plain; charset=utf-8",
  text: health.failing.length === 0 ? "ok\n" : `${health.failing.join("\n")}\n`,
});

/**
 * Answers GET /healthz (and /livez, its newer name), /readyz and /metrics, and nothing else.
 * @throws ReleaseError Usage if it cannot listen at the address
 */
export async function serveProbes(address: string, probes: Probes): Promise<HttpListener> {
  const alive = async () => probeText(probes.livez());
  const answers: Readonly<Record<string, () => Promise<Answer>>> = {
    "/healthz": alive,
    "/livez": alive,
    "/readyz": async () => probeText(probes.readyz()),
    "/metrics": async () => ({ status: 200, ...(await probes.metrics()) }),
  };
  return listen(address, (request, response) => {
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
}

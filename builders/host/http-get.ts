import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

/** What a server answered, or why there is no answer worth reading. */
export type Answer =
  /** `offset` of the body's first byte; `declared`: the server said where the body ends */
  | {
      readonly kind: "body";
      readonly offset: number;
      readonly declared: boolean;
      readonly chunks: AsyncIterable<Uint8Array>;
    }
  /** 404 or 410 */
  | { readonly kind: "gone" }
  /** the range asked for does not exist there */
  | { readonly kind: "unsatisfiable" }
  /** worth another try: 408, 429, 5xx */
  | { readonly kind: "busy"; readonly reason: string }
  /** not worth one */
  | { readonly kind: "refused"; readonly reason: string };

const MAX_REDIRECTS = 3;

/** The next URL of a redirect, or why it is not followed: only http and https, and never from https down to http. */
export function redirectTarget(from: URL, location: string | undefined): URL | string {
  if (location === undefined || !URL.canParse(location, from.href)) return "a redirect without a usable Location";
  const to = new URL(location, from);
  if (to.protocol !== "https:" && to.protocol !== "http:") return `a redirect to ${to.protocol}`;
  if (from.protocol === "https:" && to.protocol === "http:") return "a redirect from https to http";
  return to;
}

/** First byte of a 206 answer (RFC 9110, 14.4), or undefined if it does not say. */
export const rangeStart = (header: string | undefined): number | undefined => {
  const start = /^bytes ([0-9]+)-[0-9]+\/([0-9]+|\*)$/.exec(header ?? "")?.[1];
  return start === undefined ? undefined : Number(start);
};

function read(response: IncomingMessage, offset: number): Answer {
  const { statusCode: status = 0, headers } = response;
  switch (status) {
    case 200:
    case 206: {
      const start = status === 200 ? 0 : rangeStart(headers["content-range"]);
      if (start !== 0 && start !== offset) return { kind: "refused", reason: "a range that was not asked for" };
      const declared = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
      return { kind: "body", offset: start, declared, chunks: response as AsyncIterable<Buffer> };
    }
    case 404:
    case 410:
      return { kind: "gone" };
    case 416:
      return { kind: "unsatisfiable" };
    default: {
      const again = status === 408 || status === 429 || status >= 500;
      return { kind: again ? "busy" : "refused", reason: `HTTP ${status}` };
    }
  }
}

/**
 * The headers of an answer; its body is still to be read. Node's own client is used, not fetch: through a proxy, fetch
 * asks for a tunnel to port 80, which proxies commonly refuse.
 */
function send(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === "https:" ? httpsRequest : httpRequest;
    request(url, { headers, signal }, resolve).on("error", reject).end();
  });
}

/**
 * Asks for a file from byte `offset` on; a server may ignore that and answer from byte 0. At most three redirects. A
 * user and password in the URL go to its own origin only. Proxies are those of setGlobalProxyFromEnv of node:http.
 * @throws Error if there is no connection, AbortError if `signal` fires
 */
export async function httpGet(url: URL, offset: number, signal: AbortSignal): Promise<Answer> {
  const range = offset > 0 ? { range: `bytes=${offset}-` } : {};
  let at = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const response = await send(at, { "accept-encoding": "identity", ...range }, signal);
    const { statusCode = 0, headers } = response;
    const answer = read(response, offset);
    if (answer.kind === "body") return answer;
    response.destroy(); // whatever else the server has to say is not read
    if (![301, 302, 303, 307, 308].includes(statusCode)) return answer;
    const target = redirectTarget(at, headers.location);
    if (typeof target === "string") return { kind: "refused", reason: target };
    at = target;
  }
  return { kind: "refused", reason: `more than ${MAX_REDIRECTS} redirects` };
}

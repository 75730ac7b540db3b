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
function redirectTarget(from: URL, location: string | null): URL | string {
  if (location === null || !URL.canParse(location, from.href)) return "a redirect without a usable Location";
  const to = new URL(location, from);
  if (to.protocol !== "https:" && to.protocol !== "http:") return `a redirect to ${to.protocol}`;
  if (from.protocol === "https:" && to.protocol === "http:") return "a redirect from https to http";
  return to;
}

/** First byte of a 206 answer (RFC 9110, 14.4), or undefined if it does not say. */
const rangeStart = (header: string | null): number | undefined => {
  const start = /^bytes ([0-9]+)-[0-9]+\/([0-9]+|\*)$/.exec(header ?? "")?.[1];
  return start === undefined ? undefined : Number(start);
};

function read(response: Response, offset: number): Answer {
  switch (response.status) {
    case 200:
    case 206: {
      const start = response.status === 200 ? 0 : rangeStart(response.headers.get("content-range"));
      if (start !== 0 && start !== offset) return { kind: "refused", reason: "a range that was not asked for" };
      const declared = response.headers.has("content-length") || response.headers.has("transfer-encoding");
      return { kind: "body", offset: start, declared, chunks: response.body ?? emptyBody() };
    }
    case 404:
    case 410:
      return { kind: "gone" };
    case 416:
      return { kind: "unsatisfiable" };
    default: {
      const again = response.status === 408 || response.status === 429 || response.status >= 500;
      return { kind: again ? "busy" : "refused", reason: `HTTP ${response.status}` };
    }
  }
}

/** The header for a URL with a user part (RFC 7617), as mirrors with access control have it in apt's sources. */
function basicAuthorization({ username, password }: URL): { authorization?: string } {
  if (username === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

function withoutUser(url: URL): URL {
  const plain = new URL(url);
  plain.username = "";
  plain.password = "";
  return plain;
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

/**
 * Asks for a file from byte `offset` on; a server may ignore that and answer from byte 0. At most three redirects.
 * @throws TypeError if there is no connection, AbortError or what `signal` was aborted with
 */
export async function httpGet(url: URL, offset: number, signal: AbortSignal): Promise<Answer> {
  const range = offset > 0 ? { range: `bytes=${offset}-` } : {};
  let at = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    // a password goes to the host that it was given for, and to no other
    const user = at.origin === url.origin ? basicAuthorization(url) : {};
    const headers = { "accept-encoding": "identity", ...range, ...user };
    const response = await fetch(withoutUser(at), { headers, redirect: "manual", signal });
    const isRedirect = [301, 302, 303, 307, 308].includes(response.status);
    if (response.status !== 200 && response.status !== 206) await response.body?.cancel();
    if (!isRedirect) return read(response, offset);
    const target = redirectTarget(at, response.headers.get("location"));
    if (typeof target === "string") return { kind: "refused", reason: target };
    at = target;
  }
  return { kind: "refused", reason: `more than ${MAX_REDIRECTS} redirects` };
}

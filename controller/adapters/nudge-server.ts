import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { claimedSignatures, nudgedSource } from "../domain/nudge.ts";
import type { NudgeHooks } from "../ports/nudge-hooks.ts";
import { type HttpListener, listen } from "./http-listener.ts";

/** Bytes of a payload. Forges send some 10 KiB for a push. */
const MAX_BODY = 1024 * 1024;

/** HMAC-SHA256 of the body (RFC 2104), as it comes; null: it is longer than {@link MAX_BODY}. */
async function hmacOf(request: IncomingMessage, key: string): Promise<Buffer | null> {
  if (Number(request.headers["content-length"]) > MAX_BODY) return null;
  const hmac = createHmac("sha256", key);
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > MAX_BODY) return null;
    hmac.update(chunk);
  }
  return hmac.digest();
}

/** The status of the answer. What the body says matters to nobody. */
async function judge(request: IncomingMessage, hooks: NudgeHooks): Promise<number> {
  const source = nudgedSource(request.url ?? "");
  if (source === undefined) return 404;
  if (request.method !== "POST") return 405;
  let key: string | null;
  try {
    key = await hooks.keyOf(source);
  } catch {
    return 503; // hooks have told why
  }
  if (key === null) return 404;
  const claimed = claimedSignatures(request.headers);
  if (claimed.length === 0) return 401;
  const hmac = await hmacOf(request, key);
  if (hmac === null) return 413;
  if (!claimed.some((hex) => timingSafeEqual(Buffer.from(hex, "hex"), hmac))) return 401;
  hooks.nudged(source);
  return 202;
}

/**
 * Answers POST /hooks/<source>: 202 once it is signed with the source's key, 401 if it is not, 404 for a source without a
 * webhook, 405 for another method, 413 for a payload over 1 MiB, 503 while the key cannot be read. Answers have no body.
 * @param requestLimit milliseconds after which a request that has not come whole is cut off; left out: 10 seconds
 * @throws ReleaseError Usage if it cannot listen at the address
 */
export const serveNudges = (address: string, hooks: NudgeHooks, requestLimit?: number): Promise<HttpListener> =>
  listen(
    address,
    (request, response) => {
      judge(request, hooks).then(
        (status) => response.writeHead(status, status === 405 ? { allow: "POST" } : {}).end(),
        () => response.destroy(), // the request broke off
      );
    },
    requestLimit,
  );

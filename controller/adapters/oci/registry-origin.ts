import { speaksNoTls } from "../error-code.ts";
import type { Sender } from "../http-exchange.ts";

/**
 * How a registry is reached: by https; by http only if that may be and the server does not speak TLS. An unreachable
 * server is no reason.
 * @throws what `send` throws
 */
export async function findOrigin(
  registry: string,
  mayBeHttp: boolean,
  send: Sender,
  signal: AbortSignal,
): Promise<URL> {
  const secure = new URL(`https://${registry}/`);
  if (!mayBeHttp) return secure;
  try {
    (await send({ method: "GET", url: new URL("v2/", secure), headers: {} }, signal)).close();
    return secure;
  } catch (error) {
    if (!speaksNoTls(error)) throw error;
    return new URL(`http://${registry}/`);
  }
}

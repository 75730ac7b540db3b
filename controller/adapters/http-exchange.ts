import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
} from "node:http";
import { Agent as TlsAgent, type AgentOptions, request as httpsRequest } from "node:https";
import { getCACertificates } from "node:tls";
import { publicLookup, refusePrivateHost } from "./address-guard.ts";

export type HttpRequest = {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** sent as it comes; `headers` has its content-length */
  readonly body?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
};

/** What a server answered, its body still to be read: reading it to its end, or `close`, ends the exchange. */
export type HttpReply = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** ends with an error if the connection does before the answer */
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly close: () => void;
};

/**
 * One request, one answer, whatever its status; no redirect is followed.
 * @throws NodeJS.ErrnoException if there is no answer; what the body throws; the signal's reason
 */
export type Sender = (request: HttpRequest, signal: AbortSignal) => Promise<HttpReply>;

export type SenderOptions = {
  readonly allowPrivate: boolean;
  /** certificates in PEM that are trusted besides the usual ones */
  readonly ca?: string;
  /** how connections over TLS are made, in place of `ca` */
  readonly tls?: AgentOptions;
  /** milliseconds without a byte in either direction after which an exchange is given up */
  readonly idle: number;
  /** the same once a whole body was sent: the server may have gigabytes to check */
  readonly answer: number;
};

/** Fires when nothing was heard for too long. */
function startWatch(milliseconds: number) {
  const fired = new AbortController();
  let limit = milliseconds;
  const fire = () =>
    fired.abort(Object.assign(new Error(`no answer for ${limit / 1000} seconds`), { code: "ETIMEDOUT" }));
  let timer = setTimeout(fire, limit);
  const stop = () => clearTimeout(timer);
  const touch = (next = limit) => {
    stop();
    limit = next;
    timer = setTimeout(fire, limit);
  };
  return { signal: fired.signal, stop, touch };
}

/** Sends a body chunk by chunk, each once the one before has left for the network. */
async function sendBody(outgoing: ClientRequest, body: AsyncIterable<Uint8Array>): Promise<void> {
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => undefined); // it ends after the answer as well
  outgoing.once("close", () =>
    closed.reject(Object.assign(new Error("the connection closed"), { code: "ECONNRESET" })),
  );
  for await (const chunk of body) {
    const written = Promise.withResolvers<void>();
    outgoing.write(chunk, (error) => (error ? written.reject(error) : written.resolve()));
    await Promise.race([written.promise, closed.promise]);
  }
  outgoing.end();
}

/** Calls over connections that are kept, each watched for silence; time that we take ourselves does not count. */
export function openSender(options: SenderOptions): Sender {
  const keep = { keepAlive: true, ...(options.allowPrivate ? {} : { lookup: publicLookup }) };
  const trusted = options.ca === undefined ? {} : { ca: [...getCACertificates("default"), options.ca] };
  const plain = new Agent(keep);
  const tls = new TlsAgent({ ...keep, ...trusted, ...options.tls });

  return async ({ method, url, headers, body }, signal) => {
    signal.throwIfAborted();
    if (!options.allowPrivate) refusePrivateHost(url);
    const watch = startWatch(options.idle);
    const both = { method, headers, signal: AbortSignal.any([signal, watch.signal]) };
    const outgoing =
      url.protocol === "https:"
        ? httpsRequest(url, { ...both, agent: tls })
        : httpRequest(url, { ...both, agent: plain });

    let bodyFault: { readonly error: unknown } | undefined;
    async function* watchedBody(source: NonNullable<HttpRequest["body"]>) {
      try {
        for await (const chunk of source) {
          watch.touch();
          yield chunk;
          watch.stop();
        }
      } catch (error) {
        bodyFault = { error };
        throw error;
      }
      watch.touch();
    }
    /** The reason behind what Node says: it reports each as a connection that ended. */
    const reasonOf = (error: unknown): unknown => {
      if (signal.aborted) return signal.reason;
      if (bodyFault !== undefined) return bodyFault.error;
      return watch.signal.aborted ? watch.signal.reason : error;
    };
    const close = () => {
      watch.stop();
      if (!outgoing.writableFinished) outgoing.destroy();
    };
    try {
      const message = await new Promise<IncomingMessage>((resolve, reject) => {
        outgoing.on("finish", () => watch.touch(options.answer));
        outgoing.on("response", resolve).on("error", reject);
        if (body === undefined) outgoing.end();
        else sendBody(outgoing, watchedBody(body)).catch(reject);
      });
      message.on("error", () => undefined); // whoever reads the body is told; nobody else has to be
      watch.touch(options.idle);
      async function* chunks() {
        try {
          for await (const chunk of message as AsyncIterable<Buffer>) {
            watch.stop();
            yield chunk;
            watch.touch();
          }
        } catch (error) {
          throw reasonOf(error);
        } finally {
          close();
        }
      }
      return {
        status: message.statusCode ?? 0,
        headers: message.headers,
        chunks: { [Symbol.asyncIterator]: chunks },
        close: () => {
          message.destroy();
          close();
        },
      };
    } catch (error) {
      close();
      throw reasonOf(error);
    }
  };
}

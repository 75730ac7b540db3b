import { ReleaseError } from "../../domain/errors.ts";
import { distrustsCertificate, errorCode, speaksNoTls } from "../error-code.ts";
import { type HttpReply, type HttpRequest, openSender } from "../http-exchange.ts";
import { retryAfter } from "../retry-after.ts";
import { apiFault, type Call, parseStatus } from "./api-fault.ts";
import type { ApiConnection } from "./connection.ts";
import { pathOf, placeText } from "./resource.ts";

/** A call and what goes with it. Fields of the query that are undefined are left out. */
export type ApiRequest = Call & {
  readonly method: HttpRequest["method"];
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: { readonly type: string; readonly value: unknown };
  /** media types to answer with, the best first; JSON unless it says otherwise */
  readonly accept?: string;
};

/** Milliseconds. */
export type ApiPace = {
  /** an answer, or its next bytes, may take so long */
  readonly answer: number;
  /** a watch may be silent for so long: the server sends a bookmark about every minute */
  readonly silence: number;
};

export const API_PACE: ApiPace = { answer: 30_000, silence: 150_000 };

/** An API server closes idle connections after 90 seconds: ours are given up first. */
const IDLE_CONNECTION = 60_000;
/** A page of 250 releases is about 10 MB; nothing that we ask for is longer than this. */
const MAX_ANSWER = 64 * 1024 * 1024;
const MAX_FAILURE = 64 * 1024;

export type ApiExchange = {
  /** the body of an answer of 2xx, whole */
  readonly text: (request: ApiRequest, signal: AbortSignal) => Promise<string>;
  /** the body of an answer of 2xx, as it comes; it may be silent for long */
  readonly stream: (request: ApiRequest, signal: AbortSignal) => Promise<HttpReply>;
};

/** What a connection that failed means; an error that is about no connection is given back as it is. */
function connectionFault(call: Call, error: unknown): unknown {
  if (error instanceof ReleaseError || !(error instanceof Error) || errorCode(error) === "") return error;
  const what = `${call.verb} ${placeText(call.place)}`;
  const reason = error.message === "" ? errorCode(error) : error.message; // several addresses of one host: only a code
  if (distrustsCertificate(error) || speaksNoTls(error)) {
    const remedy = "name the certificate authority and the address of this cluster's API server";
    return new ReleaseError("ClusterRefused", `${what}: its certificate is not trusted: ${reason}`, remedy, {
      cause: error,
    });
  }
  const remedy = "it is tried again; see whether the API server runs and can be reached";
  return new ReleaseError("ClusterUnavailable", `${what}: ${reason}`, remedy, { cause: error });
}

async function readWhole(reply: HttpReply, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of reply.chunks) {
    size += chunk.byteLength;
    if (size > limit) throw Object.assign(new Error(`the answer is longer than ${limit} bytes`), { code: "EMSGSIZE" });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a proxy may answer: the status has to do
  }
}

/**
 * Sends calls to one API server, each once; a watch has connections of its own. Whatever is not 2xx is thrown.
 * @param onCall told each call before it is sent
 */
export function openExchange(connection: ApiConnection, pace: ApiPace, onCall: (call: Call) => void): ApiExchange {
  const { server, headers } = connection;
  const tls = { ...connection.tls, timeout: IDLE_CONNECTION };
  const common = { allowPrivate: true, tls, answer: pace.answer };
  const send = openSender({ ...common, idle: pace.answer });
  const sendWatch = openSender({ ...common, idle: pace.silence });

  async function exchange(request: ApiRequest, through: typeof send, signal: AbortSignal): Promise<HttpReply> {
    const { method, query = {}, body, accept = "application/json, */*;q=0.1" } = request;
    const url = new URL(pathOf(request.place), server);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body.value));
    onCall(request);
    const reply = await through(
      {
        method,
        url,
        headers: {
          ...{ "user-agent": "imgrel", accept, ...(await headers()) },
          ...(body === undefined ? {} : { "content-type": body.type }),
          ...(bytes === undefined ? {} : { "content-length": String(bytes.byteLength) }),
        },
        ...(bytes === undefined ? {} : { body: [bytes] }),
      },
      signal,
    );
    if (reply.status >= 200 && reply.status < 300) return reply;
    const said = parseStatus(parseBody(await readWhole(reply, MAX_FAILURE).catch(() => "")));
    throw apiFault(request, reply.status, said, retryAfter(reply.headers["retry-after"], Date.now()));
  }

  async function guarded<T>(call: Call, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw connectionFault(call, error);
    }
  }

  return {
    text: (request, signal) =>
      guarded(request, signal, async () => readWhole(await exchange(request, send, signal), MAX_ANSWER)),
    stream: (request, signal) =>
      guarded(request, signal, async () => {
        const reply = await exchange(request, sendWatch, signal);
        async function* chunks() {
          try {
            yield* reply.chunks;
          } catch (error) {
            signal.throwIfAborted();
            throw connectionFault(request, error);
          }
        }
        return { ...reply, chunks: { [Symbol.asyncIterator]: chunks } };
      }),
  };
}

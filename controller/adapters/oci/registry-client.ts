import { redirectTarget } from "../../../builders/host/http-get.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { type HttpReply, type HttpRequest, openSender } from "../http-exchange.ts";
import { openAuth } from "./registry-auth.ts";
import { findOrigin } from "./registry-origin.ts";
import { MAX_JSON_BYTES, parseJson, readBody } from "./reply-body.ts";
import { judgeReply } from "./reply-judge.ts";
import { PACE, type Pace, retrying } from "./retrying.ts";

export type RegistryOptions = {
  /** `<host>[:<port>]/<path>` */
  readonly repository: string;
  /** the class's: what calls may reach */
  readonly network: { readonly allowPrivate: boolean; readonly allowHTTP: boolean };
  /** certificates in PEM that are trusted besides the usual ones; with them the registry is never asked by http */
  readonly ca?: string;
  /** text of a Docker `config.json`; asked for whenever credentials are needed, so that it may change */
  readonly credentials?: () => Promise<string>;
  /** whether the registry may name another host for uploads, which then gets no credentials */
  readonly uploadsElsewhere?: boolean;
  readonly pace?: Partial<Pace>;
};

export type Call = {
  readonly method: HttpRequest["method"];
  /** below the repository, such as `blobs/<digest>`, or where the registry itself sent us */
  readonly to: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** a stream can be sent once only */
  readonly body?: Uint8Array | { readonly size: number; readonly chunks: AsyncIterable<Uint8Array> };
  /** path of another repository that is read as well */
  readonly reads?: string;
  /** whether at most three redirects are followed */
  readonly follows?: true;
};

/** A whole answer. */
export type Answer = {
  readonly status: number;
  readonly headers: HttpReply["headers"];
  readonly body: Buffer;
  readonly url: URL;
};

/** What a token must allow (distribution's token scope documentation). */
function actionsOf(method: Call["method"]): string {
  if (method === "GET" || method === "HEAD") return "pull";
  return method === "DELETE" ? "pull,delete" : "pull,push";
}

/** Calls to one repository of a registry, with its credentials. */
export type RegistryClient = {
  readonly repository: string;
  readonly path: string;
  readonly pace: Pace;
  readonly uploadsElsewhere: boolean;
  /** a call in words, without its query: that may hold secrets */
  readonly describe: (call: Call) => string;
  /**
   * One try of a call; `url`: what answered in the end. The body of the answer is still to be read.
   * @throws ReleaseError RegistryRefused (a redirect), Unauthorized; NodeJS.ErrnoException for a broken connection
   */
  readonly exchange: (call: Call, signal: AbortSignal) => Promise<HttpReply & { readonly url: URL }>;
  /**
   * A call with a small answer, tried a few times. `expect`: the statuses that are answers.
   * @throws ReleaseError RegistryUnavailable, RegistryRefused, Unauthorized
   */
  readonly ask: (call: Call, expect: readonly number[], limit: number, signal: AbortSignal) => Promise<Answer>;
};

/** Code of the error for a stream that cannot be sent again now, though the next try has better credentials. */
const CREDENTIALS_RENEWED = "ERR_CREDENTIALS_RENEWED";

const MAX_REDIRECTS = 3;
const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status);

/**
 * A client of one repository of a registry (OCI distribution-spec 1.1). It opens no connection before the first call.
 */
export function openClient(options: RegistryOptions): RegistryClient {
  const { repository, network } = options;
  const registry = repository.slice(0, repository.indexOf("/"));
  const path = repository.slice(registry.length + 1);
  const pace: Pace = { ...PACE, ...options.pace };
  const send = openSender({
    allowPrivate: network.allowPrivate,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...{ idle: pace.idle, answer: pace.answer },
  });

  let origin: URL | undefined;

  const describe = ({ method, to }: Call): string =>
    typeof to === "string"
      ? `${method} ${repository}/${to.replace(/\?.*$/, "")}`
      : `${method} ${to.host}${to.pathname}`;

  async function getJson(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<unknown> {
    const what = `GET ${url.host}${url.pathname}`;
    if (url.protocol !== "https:" && !(url.protocol === "http:" && network.allowHTTP)) {
      const remedy = "if that is meant, allow it: network.allowHTTP of the class, or --allow-http of imgrel verify";
      throw new ReleaseError("RegistryRefused", `${what}: the registry wants tokens bought without TLS`, remedy);
    }
    return retrying(what, pace, signal, async () => {
      const reply = await send({ method: "GET", url, headers: { accept: "application/json", ...headers } }, signal);
      if (reply.status !== 200) return judgeReply(what, reply);
      return { kind: "done", value: parseJson(what, await readBody(what, reply, MAX_JSON_BYTES)) };
    });
  }

  const auth = openAuth({
    ...{ registry, path, getJson },
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
  });

  const scopeOf = ({ method, reads }: Call): string[] => [
    `repository:${path}:${actionsOf(method)}`,
    ...(reads === undefined ? [] : [`repository:${reads}:pull`]),
  ];

  const sendOnce = (call: Call, url: URL, authorization: string | undefined, signal: AbortSignal) => {
    const { method, body } = call;
    const [size, chunks] = body instanceof Uint8Array ? [body.byteLength, [body]] : [body?.size, body?.chunks];
    const headers = {
      "user-agent": "imgrel",
      ...call.headers,
      ...(authorization === undefined ? {} : { authorization }),
      ...(method === "GET" || method === "HEAD" ? {} : { "content-length": String(size ?? 0) }),
    };
    return send({ method, url, headers, ...(chunks === undefined ? {} : { body: chunks }) }, signal);
  };

  /** One request with the credentials that the registry wants to see; no other host ever gets them. */
  async function authorised(call: Call, url: URL, signal: AbortSignal): Promise<HttpReply> {
    const scope = scopeOf(call);
    const known = await auth.header(scope);
    const reply = await sendOnce(call, url, known, signal);
    if (reply.status !== 401) return reply;
    reply.close();
    const header = await auth.answer(reply, scope, known, signal);
    if (call.body === undefined || call.body instanceof Uint8Array) return sendOnce(call, url, header, signal);
    throw Object.assign(new Error("the registry wants other credentials"), { code: CREDENTIALS_RENEWED });
  }

  async function exchange(call: Call, signal: AbortSignal): Promise<HttpReply & { readonly url: URL }> {
    const home = (origin ??= await findOrigin(registry, network.allowHTTP && options.ca === undefined, send, signal));
    let url = typeof call.to === "string" ? new URL(`v2/${path}/${call.to}`, home) : call.to;
    for (let redirects = 0; ; redirects += 1) {
      const reply =
        url.origin === home.origin ? await authorised(call, url, signal) : await sendOnce(call, url, undefined, signal);
      if (!isRedirect(reply.status)) return { ...reply, url };
      reply.close();
      const allowed = call.follows === true ? MAX_REDIRECTS : 0;
      const target =
        redirects < allowed
          ? redirectTarget(url, reply.headers.location)
          : `redirect ${redirects + 1}, of ${allowed} allowed`;
      if (typeof target === "string") {
        const remedy = "see where the registry sends its clients, and name it by that address if it has moved";
        throw new ReleaseError("RegistryRefused", `${describe(call)}: ${target}`, remedy);
      }
      url = target;
    }
  }

  async function ask(call: Call, expect: readonly number[], limit: number, signal: AbortSignal): Promise<Answer> {
    const what = describe(call);
    return retrying(what, pace, signal, async () => {
      const reply = await exchange(call, signal);
      if (!expect.includes(reply.status)) return judgeReply(what, reply);
      return { kind: "done", value: { ...reply, body: await readBody(what, reply, limit) } };
    });
  }

  const uploadsElsewhere = options.uploadsElsewhere === true;
  return { repository, path, pace, uploadsElsewhere, describe, exchange, ask };
}

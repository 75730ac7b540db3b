import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { type Chosen, createWatches } from "./api-watches.ts";
import type { Json } from "./field-owners.ts";
import { startFileServer } from "./file-server.ts";
import {
  createObjectStore,
  type Change,
  type ObjectStore,
  Refusal,
  type StoredObject,
  type Write,
} from "./object-store.ts";

/** What goes wrong with the next calls that match `on` (`GET /api/v1/pods?watch=1`). */
export type ApiFailure = {
  readonly on: RegExp;
  readonly how: { status: number; retryAfter?: number } | "reset" | "silence";
};

const NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;
const PATH =
  /^\/(api\/v1|apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+)(?=\/[^/]))?\/([^/]+)(?:\/([^/]+))?(?:\/(status|log))?$/;

type Target = { readonly collection: string; readonly namespace: string; readonly name: string; readonly part: string };

function targetOf(pathname: string): Target {
  const [, base, namespace = "", plural, name = "", part = ""] = PATH.exec(pathname) ?? [];
  if (base === undefined) throw new Refusal(404, "NotFound", "the server could not find the requested resource");
  return { collection: `${base}/${plural}`, namespace, name, part };
}

/** Which objects a list or watch chooses: label selectors of the form a=b,c=d only. */
function chosenBy({ collection, namespace }: Target, query: URLSearchParams): Chosen {
  const labels = (query.get("labelSelector") ?? "").split(",").filter((part) => part !== "");
  const fits = ({ metadata }: StoredObject) =>
    (namespace === "" || metadata.namespace === namespace) &&
    labels.every((part) => metadata.labels?.[part.split("=")[0] ?? ""] === part.split("=")[1]);
  return { collection, fits };
}

function writeOf(request: IncomingMessage, query: URLSearchParams, body: Json): Write {
  if (request.method === "POST") return { kind: "create", body };
  if (request.method === "PUT") return { kind: "replace", body };
  const isApply = request.headers["content-type"] === "application/apply-patch+yaml";
  return isApply ? { kind: "apply", body, force: query.get("force") === "true" } : { kind: "merge", body };
}

const VERBS: Readonly<Record<string, string>> = {
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
  GET: "get",
};

/**
 * An API server on loopback, over plain http: objects of any kind, lists in pages, watches with bookmarks, optimistic
 * concurrency, server-side apply, status, finalizers; and failures as a test wants them. Kinds are not checked, except
 * that `unknown.example` has none. Whoever impersonates someone may do nothing.
 */
export async function startKubernetesApi() {
  const store: ObjectStore = createObjectStore((change: Change) => watches.changed(change));
  const watches = createWatches(() => store);
  const failures: ApiFailure[] = [];
  const logs = new Map<string, string>();
  const pages = new Map<string, { readonly rest: StoredObject[]; readonly version: number }>();

  const refuse = (response: ServerResponse, { status, reason, message }: Refusal): void => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(
      JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", code: status, reason, message }),
    );
  };
  const send = (response: ServerResponse, status: number, value: unknown): void => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  };

  /** @param whole false: only type and metadata of each object */
  function list(response: ServerResponse, target: Target, query: URLSearchParams, whole: boolean): void {
    const from = query.get("continue");
    const { collection, fits } = chosenBy(target, query);
    const page =
      from === null ? { rest: store.list(collection).filter(fits), version: store.version() } : pages.get(from);
    if (page === undefined) throw new Refusal(410, "Expired", "The provided continue parameter is too old");
    const limit = Number(query.get("limit") ?? page.rest.length);
    const rest = page.rest.slice(limit);
    const token = rest.length === 0 ? "" : randomUUID();
    if (token !== "") pages.set(token, { rest, version: page.version });
    const metadata = { resourceVersion: String(page.version), continue: token };
    const items = page.rest.slice(0, limit);
    const shown = whole ? items : items.map((item) => ({ kind: "PartialObjectMetadata", metadata: item.metadata }));
    send(response, 200, { kind: "List", apiVersion: "v1", metadata, items: shown });
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? "", "http://api");
    const target = targetOf(pathname);
    const { namespace, name, part, collection } = target;
    const where = { collection, namespace, name };
    if (collection.includes("unknown.example")) {
      throw new Refusal(404, "NotFound", "the server could not find the requested resource");
    }
    if (request.headers["impersonate-user"] !== undefined) {
      const [verb, plural] = [VERBS[request.method ?? ""], collection.split("/").at(-1)];
      const message = `${plural} "${name}" is forbidden: User "nobody" cannot ${verb} resource "${plural}" in API group ""`;
      throw new Refusal(403, "Forbidden", message);
    }
    if (request.method === "GET") {
      if (part === "log") {
        const text = logs.get(`${namespace}/${name}`);
        if (text === undefined) throw new Refusal(404, "NotFound", `pods "${name}" not found`);
        response.writeHead(200, { "content-type": "text/plain" }).end(text);
      } else if (name !== "") send(response, 200, store.read(where));
      else if (query.get("watch") === null) {
        list(response, target, query, !(request.headers.accept ?? "").includes(";as=PartialObjectMetadataList;"));
      } else {
        const from = Number(query.get("resourceVersion") ?? Number.NaN);
        if (!Number.isSafeInteger(from)) throw new Refusal(400, "BadRequest", "a watch needs a resourceVersion here");
        watches.begin(response, chosenBy(target, query), from, Number(query.get("timeoutSeconds") ?? 300));
      }
      return;
    }
    const body = (await json(request)) as Json;
    if (request.method === "DELETE") {
      if (name === "") {
        const { fits } = chosenBy(target, query);
        const items = store.list(collection).filter(fits);
        for (const { metadata } of items) store.remove({ ...where, name: metadata.name }, undefined);
        send(response, 200, { kind: "List", apiVersion: "v1", metadata: {}, items });
        return;
      }
      const { preconditions } = body as { preconditions?: { uid?: string } };
      send(response, 200, store.remove(where, preconditions?.uid));
      return;
    }
    const named = (body["metadata"] ?? {}) as { name?: string };
    const full = request.method === "POST" ? { ...where, name: named.name ?? "" } : where;
    if (!NAME.test(full.name)) throw new Refusal(422, "Invalid", `metadata.name: Invalid value: "${full.name}"`);
    const manager = query.get("fieldManager") ?? "unknown";
    const written = store.write(full, writeOf(request, query, body), manager, part === "status");
    send(response, request.method === "POST" ? 201 : 200, written);
  }

  const server = await startFileServer((request, response) => {
    const call = `${request.method} ${request.url}`;
    const failure = failures.find(({ on }) => on.test(call));
    if (failure !== undefined) {
      failures.splice(failures.indexOf(failure), 1);
      const { how } = failure;
      if (how === "reset") response.destroy();
      else if (how !== "silence") {
        const { status, retryAfter } = how;
        response.writeHead(status, retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }).end("{}");
      }
      return;
    }
    answer(request, response).catch((error: unknown) =>
      refuse(response, error instanceof Refusal ? error : new Refusal(500, "InternalError", String(error))),
    );
  });
  return {
    ...server,
    failures,
    /** what pods wrote, by `namespace/name` */
    logs,
    watches,
    /** forgets its history: watches and lists that are behind expire */
    compact: () => {
      store.compact();
      pages.clear();
    },
  };
}
export type KubernetesApi = Awaited<ReturnType<typeof startKubernetesApi>>;

import { ReleaseError } from "../../domain/errors.ts";
import { API_PACE, type ApiPace, type ApiRequest, openExchange } from "./api-exchange.ts";
import type { Call } from "./api-fault.ts";
import { ApiList, ApiObject, type DraftObject, type ObjectPage, withType } from "./api-object.ts";
import type { ApiConnection } from "./connection.ts";
import type { Place, Resource } from "./resource.ts";
import { type WatchEvent, watchEvents } from "./watch-stream.ts";

/** Objects of a kind: of a namespace, or of all; and of these the ones that the selectors choose. */
export type Selection = {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
};

/** One object; the namespace is left out for kinds that have none. */
export type ObjectRef = { readonly resource: Resource; readonly namespace?: string | undefined; readonly name: string };

/** Where a kind is written; `status`: only the status of the object is. */
type WriteOptions = { readonly subresource?: "status" };

/**
 * The API of a cluster. Each call is one request, not tried again.
 * @throws ReleaseError as api-fault.ts says; the signal's reason
 */
export type ApiClient = {
  /** a page of at most `limit` objects; `from`: the `continue` of the page before */
  readonly list: (
    of: Selection & { limit: number; from?: string | undefined },
    signal: AbortSignal,
  ) => Promise<ObjectPage>;
  /**
   * the same with nothing but their metadata, as the server's cache has them: for what need not be the latest, since it
   * costs the server no look at its store
   */
  readonly listMetadata: (
    of: Selection & { limit: number; from?: string | undefined },
    signal: AbortSignal,
  ) => Promise<ObjectPage>;
  /** what happens after a version, with bookmarks, for so many seconds */
  readonly watch: (
    of: Selection & { resourceVersion: string; seconds: number },
    signal: AbortSignal,
  ) => AsyncIterable<WatchEvent>;
  /** undefined: there is none */
  readonly get: (ref: ObjectRef, signal: AbortSignal) => Promise<ApiObject | undefined>;
  /** @throws ReleaseError ObjectExists */
  readonly create: (resource: Resource, object: DraftObject, signal: AbortSignal) => Promise<ApiObject>;
  /** the whole object anew; @throws ReleaseError ObjectConflict if its resourceVersion is not the present one */
  readonly replace: (resource: Resource, object: DraftObject, signal: AbortSignal) => Promise<ApiObject>;
  /**
   * Server-side apply: makes the fields of this manager what the object says, and creates it if need be.
   * @throws ReleaseError ObjectConflict if another manager owns one of them, unless `force` is set
   */
  readonly apply: (
    resource: Resource,
    object: DraftObject,
    options: WriteOptions & { readonly manager: string; readonly force?: boolean },
    signal: AbortSignal,
  ) => Promise<ApiObject>;
  /** JSON merge patch (RFC 7396); with metadata.resourceVersion in it only on top of that version */
  readonly patch: (ref: ObjectRef, patch: object, options: WriteOptions, signal: AbortSignal) => Promise<ApiObject>;
  /** false: there was none. `uid`: only this very object */
  readonly remove: (ref: ObjectRef, options: { readonly uid?: string }, signal: AbortSignal) => Promise<boolean>;
  /** all of a selection, in one request; their dependents go in the background */
  readonly removeAll: (of: Selection, signal: AbortSignal) => Promise<void>;
  /** the end of what a container wrote; undefined: the pod is gone */
  readonly podLog: (
    ref: ObjectRef,
    options: { readonly container: string; readonly lines: number; readonly bytes: number },
    signal: AbortSignal,
  ) => Promise<string | undefined>;
};

const JSON_BODY = "application/json";
const APPLY = "application/apply-patch+yaml"; // JSON is YAML
const MERGE = "application/merge-patch+json";
const METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

const absent = (fault: unknown): undefined => {
  if (fault instanceof ReleaseError && fault.code === "NotFound") return undefined;
  throw fault;
};

/**
 * A client of one cluster.
 * @param onCall told each call before it is sent, for counting
 */
export function createApiClient(
  connection: ApiConnection,
  options: { readonly pace?: ApiPace; readonly onCall?: (call: Call) => void } = {},
): ApiClient {
  const { pace = API_PACE, onCall = () => undefined } = options;
  const exchange = openExchange(connection, pace, onCall);

  async function json<T>(
    request: ApiRequest,
    schema: { parse: (value: unknown) => T },
    signal: AbortSignal,
  ): Promise<T> {
    const text = await exchange.text(request, signal);
    try {
      return schema.parse(JSON.parse(text));
    } catch (cause) {
      const what = `${request.verb} ${request.place.resource.plural}: the answer is no such object`;
      throw new ReleaseError("ClusterRefused", what, "see whether that address is the API server's", { cause });
    }
  }
  const placeOf = (resource: Resource, { metadata }: DraftObject, subresource?: "status"): Place => ({
    ...{ resource, namespace: metadata.namespace, name: metadata.name, subresource },
  });
  const strict = { fieldValidation: "Strict", fieldManager: "imgrel" };

  async function page(
    { resource, namespace, labelSelector, fieldSelector, limit, from }: Parameters<ApiClient["list"]>[0],
    more: { readonly resourceVersion?: string | undefined; readonly accept?: string },
    signal: AbortSignal,
  ): Promise<ObjectPage> {
    const { resourceVersion, ...how } = more;
    const query = { labelSelector, fieldSelector, limit, continue: from, resourceVersion };
    const place = { resource, namespace };
    const { metadata, items } = await json({ verb: "list", method: "GET", place, query, ...how }, ApiList, signal);
    const next = metadata.continue ?? "";
    return {
      items: items ?? [],
      resourceVersion: metadata.resourceVersion,
      ...(next === "" ? {} : { continue: next }),
    };
  }

  return {
    list: (of, signal) => page(of, {}, signal),
    // a page that goes on has the version of the first
    listMetadata: (of, signal) =>
      page(of, { accept: METADATA, resourceVersion: of.from === undefined ? "0" : undefined }, signal),
    async *watch({ resource, namespace, labelSelector, fieldSelector, resourceVersion, seconds }, signal) {
      const query = {
        ...{ labelSelector, fieldSelector, resourceVersion },
        ...{ watch: 1, allowWatchBookmarks: true, timeoutSeconds: seconds },
      };
      const request: ApiRequest = { verb: "watch", method: "GET", place: { resource, namespace }, query };
      const { chunks } = await exchange.stream(request, signal);
      yield* watchEvents(request, chunks);
    },
    get: (place, signal) => json({ verb: "get", method: "GET", place }, ApiObject, signal).catch(absent),
    create: (resource, object, signal) => {
      const place = { resource, namespace: object.metadata.namespace };
      const body = { type: JSON_BODY, value: withType(resource, object) };
      return json({ verb: "create", method: "POST", place, query: strict, body }, ApiObject, signal);
    },
    replace: (resource, object, signal) => {
      const body = { type: JSON_BODY, value: withType(resource, object) };
      const place = placeOf(resource, object);
      return json({ verb: "update", method: "PUT", place, query: strict, body }, ApiObject, signal);
    },
    apply: (resource, object, { manager, force, subresource }, signal) => {
      const query = { fieldManager: manager, force, fieldValidation: "Strict" };
      const body = { type: APPLY, value: withType(resource, object) };
      const place = placeOf(resource, object, subresource);
      return json({ verb: "patch", method: "PATCH", place, query, body }, ApiObject, signal);
    },
    patch: (ref, patch, { subresource }, signal) => {
      const body = { type: MERGE, value: patch };
      const place = { ...ref, subresource };
      return json({ verb: "patch", method: "PATCH", place, query: strict, body }, ApiObject, signal);
    },
    remove: async (place, { uid }, signal) => {
      const preconditions = uid === undefined ? {} : { preconditions: { uid } };
      const value = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background", ...preconditions };
      const body = { type: JSON_BODY, value };
      const removed = await exchange.text({ verb: "delete", method: "DELETE", place, body }, signal).catch(absent);
      return removed !== undefined;
    },
    removeAll: async ({ resource, namespace, labelSelector, fieldSelector }, signal) => {
      const value = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background" };
      const call = { verb: "deletecollection", method: "DELETE", place: { resource, namespace } } as const;
      const query = { labelSelector, fieldSelector };
      await exchange.text({ ...call, query, body: { type: JSON_BODY, value } }, signal);
    },
    podLog: (ref, { container, lines, bytes }, signal) => {
      const query = { container, tailLines: lines, limitBytes: bytes };
      const place = { ...ref, subresource: "log" } as const;
      return exchange.text({ verb: "get", method: "GET", place, query }, signal).catch(absent);
    },
  };
}

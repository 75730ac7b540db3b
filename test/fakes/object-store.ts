import { randomUUID } from "node:crypto";
import { applyFields, type FieldOwners, type Json, mergePatch, ownersAfterWrite } from "./field-owners.ts";

export type Meta = {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly deletionTimestamp?: string;
};
export type StoredObject = Json & { readonly metadata: Meta };

/** What the API server refuses: an HTTP status, and the reason of its Status. */
export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;
  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** A change: `after` undefined is a deletion; the version is that of the change. */
export type Change = {
  readonly collection: string;
  readonly version: number;
  readonly before: StoredObject | undefined;
  readonly after: StoredObject | undefined;
};

/** Where an object is: `apis/<group>/<version>/<plural>`, namespace or "", name. */
export type Where = { readonly collection: string; readonly namespace: string; readonly name: string };

export type Write =
  | { readonly kind: "create" | "replace" | "merge"; readonly body: Json }
  | { readonly kind: "apply"; readonly body: Json; readonly force: boolean };

const metaOf = (body: Json): Partial<Meta> => body["metadata"] ?? {};
const contentOf = ({ metadata: _metadata, status: _status, ...content }: Json): unknown => sorted(plain(content));
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
/** Without what is undefined. */
const plain = (value: Json): Json => JSON.parse(JSON.stringify(value)) as Json;

/** With its fields in the order of their names. */
function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([field, inner]) => [field, sorted(inner)]));
}

/** What people may write of `named`'s metadata, and what only the server does. */
function metadataOf({ name, namespace }: Where, named: Json, before: Json, after: Json): Json {
  const old = metaOf(before);
  const { labels, annotations, finalizers } = metaOf(named);
  const grown = same(contentOf(before), contentOf(after)) ? 0 : 1;
  return {
    ...{ name, ...(namespace === "" ? {} : { namespace }), labels, annotations, finalizers },
    ...{ uid: old.uid ?? randomUUID(), deletionTimestamp: old.deletionTimestamp },
    ...{ generation: (old.generation ?? 0) + grown, resourceVersion: old.resourceVersion },
  };
}

/** Objects with versions, optimistic concurrency and a history, as an API server keeps them in etcd. */
export function createObjectStore(onChange: (change: Change) => void) {
  const objects = new Map<string, { readonly object: StoredObject; readonly owners: FieldOwners }>();
  const history: Change[] = [];
  let version = 1000;
  let oldest = 1000;

  const keyOf = ({ collection, namespace, name }: Where) => `${collection}|${namespace}|${name}`;
  const notFound = ({ name }: Where) => new Refusal(404, "NotFound", `"${name}" not found`);
  const conflict = ({ name }: Where) =>
    new Refusal(409, "Conflict", `Operation cannot be fulfilled on "${name}": the object has been modified`);

  function commit(where: Where, next: Json | undefined, owners: FieldOwners): StoredObject {
    const key = keyOf(where);
    const before = objects.get(key)?.object;
    version += 1;
    const stamp = (object: Json): StoredObject => ({
      ...object,
      metadata: { ...metaOf(object), resourceVersion: String(version) } as Meta,
    });
    const isDone =
      next !== undefined && metaOf(next).deletionTimestamp !== undefined && !metaOf(next).finalizers?.length;
    const after = next === undefined || isDone ? undefined : stamp(next);
    if (after === undefined) objects.delete(key);
    else objects.set(key, { object: after, owners });
    const change = { collection: where.collection, version, before, after };
    history.push(change);
    onChange(change);
    return after ?? stamp(next ?? before ?? {});
  }

  /** Writes an object; `manager` owns what it changes; `status`: only the status is written, else all but it. */
  function write(where: Where, how: Write, manager: string, status: boolean): StoredObject {
    const present = objects.get(keyOf(where));
    if (how.kind === "create" && present !== undefined) {
      throw new Refusal(409, "AlreadyExists", `"${where.name}" already exists`);
    }
    if (present === undefined && (status || how.kind === "replace" || how.kind === "merge")) throw notFound(where);
    const wanted = metaOf(how.body).resourceVersion;
    if (wanted !== undefined && wanted !== present?.object.metadata.resourceVersion) throw conflict(where);
    const before: Json = present?.object ?? {};
    const given = plain(status ? { status: how.body["status"] } : { ...how.body, status: undefined });
    const { status: kept } = before;
    let next: Json;
    let owners: FieldOwners = present?.owners ?? new Map();
    if (how.kind === "apply") {
      const applied = applyFields(before, given, `${manager}/apply${status ? "/status" : ""}`, owners);
      if (applied.conflicts.length > 0 && !how.force) {
        throw new Refusal(409, "Conflict", `Apply failed with conflicts with ${applied.conflicts.join(", ")}`);
      }
      const { apiVersion, kind } = given;
      next = { apiVersion, kind, ...applied.merged };
      ({ owners } = applied);
    } else {
      if (how.kind === "merge") next = mergePatch(before, given) as Json;
      else next = status ? { ...before, ...given } : { ...given, status: kept };
      owners = ownersAfterWrite(before, next, `${manager}/update`, owners);
    }
    const result = plain({ ...next, metadata: metadataOf(where, status ? before : next, before, next) });
    if (present === undefined || !same(sorted(result), sorted(present.object))) return commit(where, result, owners);
    objects.set(keyOf(where), { object: present.object, owners }); // what changes nothing makes no new version
    return present.object;
  }

  function remove(where: Where, uid: string | undefined): StoredObject {
    const present = objects.get(keyOf(where));
    if (present === undefined) throw notFound(where);
    const { object, owners } = present;
    if (uid !== undefined && uid !== object.metadata.uid) throw conflict(where);
    if ((object.metadata.finalizers ?? []).length === 0) return commit(where, undefined, owners);
    if (object.metadata.deletionTimestamp !== undefined) return object;
    const metadata = { ...object.metadata, deletionTimestamp: "2026-11-23T04:00:00Z" };
    return commit(where, { ...object, metadata }, owners);
  }

  return {
    version: () => version,
    oldest: () => oldest,
    /** what came before is forgotten: who asks for it is told that it expired */
    compact: () => {
      oldest = version;
      history.length = 0;
    },
    read: (where: Where): StoredObject => {
      const found = objects.get(keyOf(where));
      if (found === undefined) throw notFound(where);
      return found.object;
    },
    list: (collection: string): StoredObject[] =>
      [...objects]
        .filter(([key]) => key.startsWith(`${collection}|`))
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([, { object }]) => object),
    since: (collection: string, from: number): Change[] =>
      history.filter((change) => change.collection === collection && change.version > from),
    write,
    remove,
  };
}
export type ObjectStore = ReturnType<typeof createObjectStore>;

import type { WatchCause } from "../../ports/controller-metrics.ts";
import type { ObjectCache, ObjectChange } from "../../ports/object-cache.ts";
import { type ApiObject, keyOf, type ObjectPage } from "./api-object.ts";
import { advance, type Happening, type ReflectorState, START } from "./reflector-state.ts";
import type { WatchEvent } from "./watch-stream.ts";

/** What the server did. */
export type ServerTurn =
  | { readonly kind: "page"; readonly page: ObjectPage }
  | { readonly kind: "event"; readonly event: WatchEvent }
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly cause: WatchCause; readonly retryAfter?: number };

/** A copy of the server's objects that follows what the server does. It holds no effect and no time. */
export type Mirror<T> = ObjectCache<T> & {
  readonly state: () => ReflectorState;
  /** takes in what the server did; what that changed here, in order */
  readonly take: (turn: ServerTurn) => readonly ObjectChange<T>[];
};

type Entry<T> = { readonly uid: string; readonly resourceVersion: string; readonly value: T };

/**
 * @param keep what of an object is kept; the rest is let go
 * @param random from 0 to 1
 */
export function createMirror<T>(keep: (object: ApiObject) => T, random: () => number): Mirror<T> {
  const entries = new Map<string, Entry<T>>();
  let state = START;
  let synced = false;
  /** keys of the list that is being read */
  let listed = new Set<string>();

  /** Nothing changes for an object that is here in the same version. */
  function put(object: ApiObject): ObjectChange<T>[] {
    const key = keyOf(object);
    const { uid, resourceVersion } = object.metadata;
    const before = entries.get(key);
    if (before?.uid === uid && before.resourceVersion === resourceVersion) return [];
    const value = keep(object);
    entries.set(key, { uid, resourceVersion, value });
    return [{ key, before: before?.value, after: value }];
  }

  function drop(key: string): ObjectChange<T>[] {
    const before = entries.get(key);
    if (before === undefined) return [];
    entries.delete(key);
    return [{ key, before: before.value, after: undefined }];
  }

  function takePage(page: ObjectPage): ObjectChange<T>[] {
    for (const object of page.items) listed.add(keyOf(object));
    const changes = page.items.flatMap(put);
    if (page.continue !== undefined) return changes;
    const gone = [...entries.keys()].filter((key) => !listed.has(key)).flatMap(drop);
    listed = new Set();
    synced = true;
    return [...changes, ...gone];
  }

  function takeEvent(event: WatchEvent): ObjectChange<T>[] {
    if (event.kind === "bookmark") return [];
    return event.kind === "deleted" ? drop(keyOf(event.object)) : put(event.object);
  }

  const happeningOf = (turn: ServerTurn): Happening => {
    if (turn.kind === "page") return { ...turn.page, kind: "page" };
    if (turn.kind !== "event") return turn;
    const { event } = turn;
    const version = event.kind === "bookmark" ? event.resourceVersion : event.object.metadata.resourceVersion;
    return { kind: "event", resourceVersion: version };
  };

  return {
    get: (key) => entries.get(key)?.value,
    values: () => entries.values().map(({ value }) => value),
    hasSynced: () => synced,
    state: () => state,
    take: (turn) => {
      state = advance(state, happeningOf(turn), random());
      if (turn.kind === "page") return takePage(turn.page);
      if (turn.kind === "event") return takeEvent(turn.event);
      if (turn.kind === "failed" && turn.cause === "expired") listed = new Set(); // the next list begins anew
      return [];
    },
  };
}

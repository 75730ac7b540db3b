/** JSON as an object of the API has it. */
export type Json = { readonly [field: string]: unknown };

/** Who owns which field: manager to paths. */
export type FieldOwners = Map<string, ReadonlySet<string>>;

const isMap = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

/** The fields of an object that somebody can own, by path: lists are owned as a whole, identity by nobody. */
export function leavesOf(object: Json): Map<string, unknown> {
  const leaves = new Map<string, unknown>();
  const walk = (value: unknown, path: readonly string[]): void => {
    if (isMap(value) && Object.keys(value).length > 0) {
      for (const [field, inner] of Object.entries(value)) walk(inner, [...path, field]);
    } else if (path.length > 0) leaves.set(JSON.stringify(path), value);
  };
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = object;
  const { labels, annotations, finalizers } = (metadata ?? {}) as Json;
  const owned = Object.entries({ labels, annotations, finalizers }).filter(([, value]) => value !== undefined);
  walk({ ...rest, metadata: Object.fromEntries(owned) }, []);
  return leaves;
}

/** The object with one field set, or taken away together with what is empty then. */
function withField(object: Json, [field = "", ...rest]: readonly string[], value: unknown): Json {
  const { [field]: before, ...others } = object;
  const kept = isMap(value) && isMap(before) ? before : value; // only an empty map is a field: it empties nothing
  const inner = rest.length === 0 ? kept : withField(isMap(before) ? before : {}, rest, value);
  const isGone = inner === undefined || (value === undefined && isMap(inner) && Object.keys(inner).length === 0);
  return isGone ? others : { ...others, [field]: inner };
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * Server-side apply, as far as our tests need it: the object with the manager's fields as applied, those that only it
 * owned and no longer applies gone. `conflicts`: managers that own a field and have another value.
 */
export function applyFields(
  present: Json,
  applied: Json,
  manager: string,
  owners: FieldOwners,
): { readonly merged: Json; readonly conflicts: readonly string[]; readonly owners: FieldOwners } {
  const wanted = leavesOf(applied);
  const has = leavesOf(present);
  const others = [...owners].filter(([name]) => name !== manager);
  const differs = (path: string): boolean => !same(wanted.get(path), has.get(path));
  const contested = others.filter(([, paths]) => [...paths].some((path) => wanted.has(path) && differs(path)));
  let merged = present;
  for (const path of owners.get(manager) ?? []) {
    const isShared = others.some(([, paths]) => paths.has(path));
    if (!wanted.has(path) && !isShared) merged = withField(merged, JSON.parse(path) as string[], undefined);
  }
  for (const [path, value] of wanted) merged = withField(merged, JSON.parse(path) as string[], value);
  const left = others.map(
    ([name, paths]) => [name, new Set([...paths].filter((path) => !wanted.has(path) || !differs(path)))] as const,
  );
  return {
    merged,
    conflicts: contested.map(([name]) => name),
    owners: new Map([...left, [manager, new Set(wanted.keys())]]),
  };
}

/** Owners after a plain write: whoever changes a field owns it. */
export function ownersAfterWrite(before: Json, after: Json, manager: string, owners: FieldOwners): FieldOwners {
  const [had, has] = [leavesOf(before), leavesOf(after)];
  const changed = new Set([...has].flatMap(([path, value]) => (same(value, had.get(path)) ? [] : [path])));
  const left = [...owners].map(
    ([name, paths]) => [name, new Set([...paths].filter((path) => has.has(path) && !changed.has(path)))] as const,
  );
  const own = left.find(([name]) => name === manager)?.[1] ?? [];
  return new Map([...left, [manager, new Set([...own, ...changed])]]);
}

/** JSON merge patch (RFC 7396). */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const merged: Record<string, unknown> = isMap(target) ? { ...target } : {};
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete merged[field];
    else merged[field] = mergePatch(merged[field], value);
  }
  return merged;
}

/**
 * A rule in the Common Expression Language, checked by the API server (x-kubernetes-validations). `self` is the field it
 * stands at; with `oldSelf` it is a rule for changes only.
 */
export type CelRule = { readonly rule: string; readonly message: string };

/** A text as a CEL literal (CEL language definition, "String and Bytes Values"). */
export const celText = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

// fields whose names are words of CEL (Kubernetes, "Validation rules": escaping of property names)
const RESERVED: ReadonlySet<string> = new Set(["namespace"]);

/** The field of an object, `self.name`. */
export const field = (object: string, name: string): string =>
  `${object}.${RESERVED.has(name) ? `__${name}__` : name.replaceAll("-", "__dash__")}`;

/** Whether a text matches an RE2 pattern. */
export const matches = (text: string, pattern: string): string => `${text}.matches(${celText(pattern)})`;

/** Whether a text does not match it. */
export const noneMatches = (text: string, pattern: string): string => `!${matches(text, pattern)}`;

/**
 * A list never changes its order either, which `self == oldSelf` does not see where entries are told apart by themselves.
 * @param value what stands for an entry `e`
 */
export const ordered = (what: string, value = "e"): CelRule => ({
  rule: `self.map(e, ${value}) == oldSelf.map(e, ${value})`,
  message: `${what} never changes, its order included: release a new version`,
});

/** A field that never changes; it must be one that is always there. */
export const immutable = (what: string): CelRule => ({
  rule: "self == oldSelf",
  message: `${what} never changes: release a new version`,
});

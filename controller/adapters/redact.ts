/** Names of fields whose values are never written. `publicKey` or `keyring` are no secrets. */
const SECRET_NAME =
  /token|secret|passw(or)?d|passphrase|authorization|credential|cookie|bearer|private[-_]?key|api[-_]?key|access[-_]?key|signing[-_]?key|^auth$|^jwt$/i;

const REDACTED = "[redacted]";
const MAX_DEPTH = 8;

/** A text without user and password of URLs, and the credentials of an Authorization header that stands inside it. */
export const redactText = (text: string): string =>
  text
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]+@/gi, `$1${REDACTED}@`)
    .replace(/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`);

function redactError(error: Error, depth: number): unknown {
  const { name, message, stack, cause, ...own } = error;
  return {
    ...(redactAt(own, depth) as object),
    name,
    message: redactText(message),
    ...(stack === undefined ? {} : { stack: redactText(stack) }),
    ...(cause === undefined ? {} : { cause: redactAt(cause, depth) }),
  };
}

function redactAt(value: unknown, depth: number): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (depth >= MAX_DEPTH) return "[too deep]";
  if (value instanceof Error) return redactError(value, depth + 1);
  if (value instanceof Date) return value;
  if (value instanceof URL) return redactText(value.href);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Map) return redactAt(Object.fromEntries(value), depth + 1);
  if (value instanceof Set || Array.isArray(value)) return [...value].map((item) => redactAt(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      SECRET_NAME.test(name) && member !== undefined && member !== null ? REDACTED : redactAt(member, depth + 1),
    ]),
  );
}

/**
 * A copy of a log record's fields without secrets, at any depth: by the name of the field, and in texts the user part of
 * URLs and the credentials of HTTP headers. Cycles end at a depth of {@link MAX_DEPTH}.
 */
export const redact = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  redactAt(fields, 0) as Record<string, unknown>;

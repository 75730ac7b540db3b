/** A message as `git interpret-trailers` reads it: one line, paragraphs, and a last paragraph of `Key: value` lines. */
export type CommitMessage = {
  readonly subject: string;
  readonly paragraphs: readonly string[];
  readonly trailers: readonly (readonly [key: TrailerKey, value: string])[];
};

/** What commits by imgrel say about themselves (release-api.md 1.2). */
export type TrailerKey = "Release" | "Spec-Digest" | "Toolchain-Digest" | "Idempotency-Key";

/** A line break in a name or version must not start a trailer of its own. */
const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ").trim();

/** The message as it is committed, with a final newline. Empty paragraphs are left out. */
export function formatCommitMessage({ subject, paragraphs, trailers }: CommitMessage): string {
  const body = paragraphs.map((paragraph) => paragraph.trim()).filter((paragraph) => paragraph !== "");
  const last = trailers.map(([key, value]) => `${key}: ${oneLine(value)}`.trimEnd()).join("\n");
  return `${[oneLine(subject), ...body, last].filter((part) => part !== "").join("\n\n")}\n`;
}

const TRAILER = /^([A-Za-z0-9][A-Za-z0-9-]*):[ \t]*(.*)$/;

/**
 * The trailers of a message that {@link formatCommitMessage} made, in order: the lines of its last paragraph, if that is
 * not its first and each of its lines is a trailer. Of other messages git may find more, never less: it also takes
 * folded lines and paragraphs that are trailers in part (git-interpret-trailers(1)).
 */
export function parseTrailers(message: string): (readonly [key: string, value: string])[] {
  const paragraphs = message.trimEnd().split(/\n(?:[ \t]*\n)+/);
  const lines = paragraphs.length > 1 ? (paragraphs.at(-1) ?? "").split("\n") : [];
  const trailers = lines.flatMap((line) => {
    const [, key, value] = TRAILER.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value.trim()] as const];
  });
  return trailers.length === lines.length ? trailers : [];
}

/** A message as `git interpret-trailers` reads it: one line, paragraphs, and a last paragraph of `Key: value` lines. */
export type CommitMessage = {
  readonly subject: string;
  readonly paragraphs: readonly string[];
  readonly trailers: readonly (readonly [key: TrailerKey, value: string])[];
};

/** What commits by imgrel say about themselves (release-api.md 1.2). */
export type TrailerKey = "Release" | "Spec-Digest" | "Toolchain-Digest";

/** A line break in a name or version must not start a trailer of its own. */
const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ").trim();

/** The message as it is committed, with a final newline. Empty paragraphs are left out. */
export function formatCommitMessage({ subject, paragraphs, trailers }: CommitMessage): string {
  const body = paragraphs.map((paragraph) => paragraph.trim()).filter((paragraph) => paragraph !== "");
  const last = trailers.map(([key, value]) => `${key}: ${oneLine(value)}`).join("\n");
  return `${[oneLine(subject), ...body, last].filter((part) => part !== "").join("\n\n")}\n`;
}

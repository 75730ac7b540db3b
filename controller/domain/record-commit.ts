import { Digest, Sha256Hex } from "../../builders/contract/digest.ts";
import { formatCommitMessage, parseTrailers } from "./commit-message.ts";

/** What the commit of a record says of one release, in trailers (release-api.md 1.2). */
export type RecordTrailers = {
  /** name of the release */
  readonly release: string;
  readonly specDigest: Digest;
  /** marks one effect of one step, in whatever commit it lands (release-api.md 2.2) */
  readonly idempotencyKey: Sha256Hex;
};

/** One release's part of a commit; `summary` says on one line what became of it: "released", "revoked". */
export type RecordPart = RecordTrailers & { readonly summary: string };

/** The message of a commit that records one release or several: one set of trailers for each, in order. */
export function recordMessage(parts: readonly RecordPart[]): string {
  const lines = parts.map(({ release, summary }) => `${release}: ${summary.replaceAll(/\s+/g, " ").trim()}`);
  return formatCommitMessage({
    subject: lines.length === 1 ? lines.join() : `Record ${lines.length} releases`,
    paragraphs: lines.length === 1 ? [] : [lines.map((line) => `* ${line}`).join("\n")],
    trailers: parts.flatMap(({ release, specDigest, idempotencyKey }) => [
      ["Release", release] as const,
      ["Spec-Digest", specDigest] as const,
      ["Idempotency-Key", idempotencyKey] as const,
    ]),
  });
}

/** What a message says of releases: each complete set of trailers, a `Release` being the first of its set. */
export function parseRecordTrailers(message: string): RecordTrailers[] {
  const sets: Map<string, string>[] = [];
  for (const [key, value] of parseTrailers(message)) {
    if (key === "Release") sets.push(new Map());
    sets.at(-1)?.set(key, value);
  }
  return sets.flatMap((set) => {
    const specDigest = Digest.safeParse(set.get("Spec-Digest"));
    const idempotencyKey = Sha256Hex.safeParse(set.get("Idempotency-Key"));
    const release = set.get("Release");
    if (release === undefined || !specDigest.success || !idempotencyKey.success) return [];
    return [{ release, specDigest: specDigest.data, idempotencyKey: idempotencyKey.data }];
  });
}

/** Whether a commit with this message recorded an effect of a release already. */
export const recorded = (message: string, effect: Pick<RecordTrailers, "release" | "idempotencyKey">): boolean =>
  parseRecordTrailers(message).some(
    ({ release, idempotencyKey }) => release === effect.release && idempotencyKey === effect.idempotencyKey,
  );

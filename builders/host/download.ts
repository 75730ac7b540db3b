import { setTimeout as sleep } from "node:timers/promises";
import { BuildError } from "../contract/build-failure.ts";
import { type Answer, httpGet } from "./http-get.ts";
import { openPart, type PartFile } from "./part-file.ts";

/** One file to bring into the cache, known by hash and size before it is asked for. */
export type Download = {
  /** as people know it: `name version arch` */
  readonly label: string;
  readonly sha256: string;
  /** bytes */
  readonly size: number;
  /** where it goes, blobPath of cache.ts */
  readonly blob: string;
  /** where to ask, in order */
  readonly urls: readonly URL[];
};

/**
 * What one URL answered. `gone`: it has no such file; `refused`: it does not give it; `busy`: not now; `unreachable`:
 * there was no whole answer.
 */
export type SourceFailure = {
  readonly url: URL;
  readonly kind: "gone" | "refused" | "busy" | "unreachable";
  readonly reason: string;
};

export type DownloadOutcome =
  | { readonly kind: "done"; readonly from: URL }
  /** one for each URL, in order */
  | { readonly kind: "failed"; readonly failures: readonly SourceFailure[] };

export type DownloadOptions = {
  /** bytes that came in, or left again (negative) when a download starts afresh */
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal;
  /** milliseconds before the second and each later try; the number of tries is one more */
  readonly pauses?: readonly number[];
  /** milliseconds without a byte after which a try is given up */
  readonly idle?: number;
};

const PAUSES = [1000, 4000];
const IDLE = 30_000;
/** How far past the locked size a body is read, so that the error can name its hash. */
const EXCESS_BYTES = 1024 * 1024;

type Failed = Exclude<SourceFailure["kind"], "gone">;
type Attempt =
  | { readonly kind: "done" }
  | { readonly kind: "gone" | "afresh" }
  | { readonly kind: Failed; readonly reason: string };

function mismatch(file: Download, sha256: string, size: number): BuildError {
  const found = size > file.size + EXCESS_BYTES ? `more than ${size} bytes` : `${sha256} (${size} bytes)`;
  return new BuildError({
    code: "InputDigestMismatch",
    step: "fetch",
    message: `${file.label}: the lock says sha256 ${file.sha256} (${file.size} bytes), the server sent ${found}`,
    remedy: "nothing of it was kept; try again, and if it happens again do not trust that server or proxy",
  });
}

/** Why a connection failed. An error for several addresses of one host has no words of its own, only a code. */
function connectionFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ("code" in error ? String(error.code) : error.name);
}

type Body = Extract<Answer, { kind: "body" }>;

/** Reads the body into the part, which starts over if the answer does. */
async function receive(file: Download, part: PartFile, answer: Body, options: DownloadOptions, onChunk: () => void) {
  if (answer.offset !== part.size()) {
    options.onBytes(-part.size());
    await part.restart();
  }
  for await (const chunk of answer.chunks) {
    onChunk();
    await part.append(chunk);
    options.onBytes(chunk.length);
    if (part.size() > file.size + EXCESS_BYTES) return;
  }
}

/**
 * Checks the hash of an ended download: in place, to be fetched afresh, or an error. `pieced`: its bytes are not all
 * of one answer, so that a wrong hash does not yet prove the server wrong.
 */
async function settle(file: Download, part: PartFile, pieced: boolean, options: DownloadOptions): Promise<Attempt> {
  const sha256 = part.sha256();
  if (sha256 === file.sha256 && part.size() === file.size) {
    await part.commit();
    return { kind: "done" };
  }
  const size = part.size();
  options.onBytes(-size);
  await part.restart();
  if (pieced) return { kind: "afresh" };
  throw mismatch(file, sha256, size);
}

async function attempt(file: Download, url: URL, part: PartFile, options: DownloadOptions): Promise<Attempt> {
  if (part.size() >= file.size) return settle(file, part, true, options);
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(new Error("no data for too long")), options.idle ?? IDLE);
  try {
    const answer = await httpGet(url, part.size(), AbortSignal.any([options.signal, idle.signal]));
    if (answer.kind === "unsatisfiable") {
      options.onBytes(-part.size());
      await part.restart();
      return { kind: "afresh" };
    }
    if (answer.kind !== "body") return answer;
    await receive(file, part, answer, options, () => timer.refresh());
    if (part.size() < file.size && !answer.declared)
      return { kind: "unreachable", reason: "the connection ended early" };
    return await settle(file, part, answer.offset > 0, options);
  } catch (error) {
    options.signal.throwIfAborted();
    // what names a file is the cache's fault: no server will mend it
    if (error instanceof BuildError || (error instanceof Error && "path" in error)) throw error;
    return { kind: "unreachable", reason: connectionFault(idle.signal.aborted ? idle.signal.reason : error) };
  } finally {
    clearTimeout(timer);
  }
}

async function fromUrl(file: Download, url: URL, part: PartFile, options: DownloadOptions): Promise<Attempt> {
  const pauses = options.pauses ?? PAUSES;
  let afresh = 0;
  for (let tries = 0; ; ) {
    const result = await attempt(file, url, part, options);
    if (result.kind === "afresh" && afresh === 0) {
      afresh = 1;
      continue;
    }
    const pause = pauses[tries];
    if ((result.kind !== "busy" && result.kind !== "unreachable") || pause === undefined) return result;
    tries += 1;
    await sleep(pause, undefined, { signal: options.signal });
  }
}

function failureOf(url: URL, result: Exclude<Attempt, { kind: "done" }>): SourceFailure {
  if ("reason" in result) return { url, ...result };
  if (result.kind === "gone") return { url, kind: "gone", reason: "it has no such file" };
  return { url, kind: "refused", reason: "it does not send the file whole" };
}

/**
 * Downloads one file into the cache: from the first URL that has it, going on from what an earlier download left, with
 * three tries per URL on 408, 429, 5xx, reset, silence or a truncated body. Its hash is computed as it comes in; it
 * appears in the cache only once that hash is the expected one.
 * @throws BuildError InputDigestMismatch naming both hashes; NodeJS.ErrnoException if the cache cannot be written, and
 * AbortError if `signal` fires (the part stays)
 */
export async function download(file: Download, options: DownloadOptions): Promise<DownloadOutcome> {
  const part = await openPart(file.blob);
  const failures: SourceFailure[] = [];
  try {
    options.onBytes(part.size());
    for (const url of file.urls) {
      const result = await fromUrl(file, url, part, options);
      if (result.kind === "done") return { kind: "done", from: url };
      failures.push(failureOf(url, result));
    }
    return { kind: "failed", failures };
  } finally {
    await part.close();
  }
}

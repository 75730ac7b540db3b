import { z } from "zod";
import { ReleaseError } from "../../domain/errors.ts";
import { apiFault, type Call, parseStatus } from "./api-fault.ts";
import { ApiObject } from "./api-object.ts";

/** What a watch tells ("API Concepts", "Efficient detection of changes"). */
export type WatchEvent =
  | { readonly kind: "changed"; readonly object: ApiObject }
  | { readonly kind: "deleted"; readonly object: ApiObject }
  /** everything up to this version was told */
  | { readonly kind: "bookmark"; readonly resourceVersion: string };

const Line = z.discriminatedUnion("type", [
  z.object({ type: z.enum(["ADDED", "MODIFIED", "DELETED"]), object: ApiObject }),
  z.object({
    type: z.literal("BOOKMARK"),
    object: z.object({ metadata: z.object({ resourceVersion: z.string().min(1) }) }),
  }),
  z.object({ type: z.literal("ERROR"), object: z.unknown() }),
]);

/** No object in etcd is longer than 1.5 MB. */
const MAX_LINE = 8 * 1024 * 1024;
const NEWLINE = 0x0a;

const broken = (call: Call, why: string, cause?: unknown): ReleaseError =>
  new ReleaseError("ClusterUnavailable", `watch ${call.place.resource.plural}: ${why}`, "it is watched again", {
    cause,
  });

/** The lines of a stream, without the last one if nothing ended it. */
async function* linesOf(call: Call, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      parts.push(chunk.subarray(from, end));
      yield Buffer.concat(parts).toString("utf8");
      parts = [];
      size = 0;
      from = end + 1;
    }
    const rest = chunk.subarray(from);
    size += rest.byteLength;
    if (size > MAX_LINE) throw broken(call, `an event is longer than ${MAX_LINE} bytes`);
    if (rest.byteLength > 0) parts.push(rest);
  }
  if (size > 0) throw broken(call, "it ended in the middle of an event");
}

function parseLine(call: Call, line: string): WatchEvent {
  let parsed;
  try {
    parsed = Line.parse(JSON.parse(line));
  } catch (cause) {
    throw broken(call, "an event cannot be understood", cause);
  }
  if (parsed.type === "BOOKMARK") return { kind: "bookmark", resourceVersion: parsed.object.metadata.resourceVersion };
  if (parsed.type === "ERROR") {
    const status = parseStatus(parsed.object);
    throw apiFault(call, status.code ?? 500, status);
  }
  return { kind: parsed.type === "DELETED" ? "deleted" : "changed", object: parsed.object };
}

/**
 * The events of a watch, to its end.
 * @throws ReleaseError VersionExpired and others that an ERROR event tells; ClusterUnavailable if the stream is broken
 */
export async function* watchEvents(call: Call, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<WatchEvent> {
  for await (const line of linesOf(call, chunks)) if (line !== "") yield parseLine(call, line);
}

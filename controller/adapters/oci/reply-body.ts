import { z } from "zod";
import { oneLine } from "../../domain/format.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { HttpReply } from "../http-exchange.ts";

/** Longest JSON answer that is read, in bytes. */
export const MAX_JSON_BYTES = 1024 * 1024;
/** As much of a failure's text as is looked at, and as is shown. */
const MAX_FAILURE_BYTES = 16 * 1024;
const MAX_SHOWN = 200;

/** The bytes of an answer up to `limit`; undefined if there are more, which are not read. */
async function readUpTo(reply: HttpReply, limit: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of reply.chunks) {
    size += chunk.byteLength;
    if (size > limit) return undefined; // leaving the loop ends the exchange
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * The whole body of an answer.
 * @throws ReleaseError RegistryRefused if it is longer than `limit` bytes
 */
export async function readBody(what: string, reply: HttpReply, limit: number): Promise<Buffer> {
  const body = await readUpTo(reply, limit);
  if (body !== undefined) return body;
  const remedy = "see whether that address is the registry's";
  throw new ReleaseError("RegistryRefused", `${what}: the answer is longer than ${limit} bytes`, remedy);
}

/**
 * A JSON answer of at most 1 MiB.
 * @throws ReleaseError RegistryRefused if it is longer, or no JSON
 */
export function parseJson(what: string, body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (cause) {
    const remedy = "see whether that address is the registry's";
    throw new ReleaseError("RegistryRefused", `${what}: the answer is no JSON`, remedy, { cause });
  }
}

const Failure = z.object({
  errors: z.array(z.object({ code: z.string().default(""), message: z.string().default("") })).min(1),
});

/** What a registry said went wrong (distribution-spec, "Error Codes"): `text` for people, `code` such as DIGEST_INVALID. */
export type SaidFailure = { readonly code: string; readonly text: string };

/** Reads the body of a failed answer, whoever wrote it. */
export function parseFailure(status: number, body: Uint8Array): SaidFailure {
  let code = "";
  let message = "";
  try {
    [{ code, message } = { code, message }] = Failure.parse(JSON.parse(new TextDecoder().decode(body))).errors;
  } catch {
    // anything may answer: the status has to do
  }
  const said = oneLine(`${code} ${message}`).slice(0, MAX_SHOWN);
  return { code, text: said === "" ? `HTTP ${status}` : `HTTP ${status}: ${said}` };
}

/** The same of an answer whose body is still to be read. */
export async function readFailure(reply: HttpReply): Promise<SaidFailure> {
  const body = await readUpTo(reply, MAX_FAILURE_BYTES).catch(() => undefined);
  return parseFailure(reply.status, body ?? Buffer.alloc(0));
}

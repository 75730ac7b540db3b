import { setTimeout as sleep } from "node:timers/promises";
import type { Digest } from "../../../builders/contract/digest.ts";
import { rangeStart } from "../../../builders/host/http-get.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { Descriptor } from "../../domain/oci.ts";
import type { HttpReply } from "../http-exchange.ts";
import type { Call, RegistryClient } from "./registry-client.ts";
import { judgeReply } from "./reply-judge.ts";
import { type Attempt, connectionFault, retrying } from "./retrying.ts";
import { skipBytes } from "./skip-bytes.ts";
import { missingBlob } from "./store-faults.ts";

/** One look whether a repository has a blob (distribution-spec, "Checking if content exists in the registry"). */
export async function blobIsThere(
  client: RegistryClient,
  digest: Digest,
  signal: AbortSignal,
): Promise<Attempt<boolean>> {
  const call: Call = { method: "HEAD", to: `blobs/${digest}`, follows: true };
  const reply = await client.exchange(call, signal);
  if (reply.status !== 200 && reply.status !== 404) return judgeReply(client.describe(call), reply);
  reply.close();
  return { kind: "done", value: reply.status === 200 };
}

/** Asks for a blob from byte `offset` on; `skip`: how many bytes of the answer are before that. */
async function open(client: RegistryClient, digest: Digest, offset: number, signal: AbortSignal) {
  const range: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
  const headers = { "accept-encoding": "identity", ...range };
  const call: Call = { method: "GET", to: `blobs/${digest}`, follows: true, headers };
  const what = client.describe(call);
  return retrying<{ readonly reply: HttpReply; readonly skip: number }>(what, client.pace, signal, async () => {
    const reply = await client.exchange(call, signal);
    if (reply.status === 200) return { kind: "done", value: { reply, skip: offset } };
    if (reply.status === 206 && rangeStart(reply.headers["content-range"]) === offset) {
      return { kind: "done", value: { reply, skip: 0 } };
    }
    if (reply.status !== 404) return judgeReply(what, reply);
    reply.close();
    throw missingBlob(client.repository, digest);
  });
}

/**
 * The bytes of a blob as a registry sends them. Where the connection breaks it goes on from there, as often as a call is
 * tried again.
 * @throws ReleaseError NotFound, RegistryUnavailable, RegistryRefused, Unauthorized
 */
export async function* blobChunks(
  client: RegistryClient,
  { digest, size }: Descriptor,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  let at = 0;
  for (let breaks = 0; ; breaks += 1) {
    const { reply, skip } = await open(client, digest, at, signal);
    try {
      for await (const chunk of skipBytes(reply.chunks, skip)) {
        at += chunk.byteLength;
        yield chunk;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      const { reason } = connectionFault(`blob ${digest} of ${client.repository}`, error);
      if (at >= size) return;
      const pause = client.pace.pauses[breaks];
      if (pause === undefined) {
        const what = `${client.repository} breaks off each time it sends blob ${digest}: ${reason}`;
        throw new ReleaseError("RegistryUnavailable", what, "see whether the registry and the way to it are sound");
      }
      await sleep(pause);
    }
  }
}

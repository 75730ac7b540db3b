import { redirectTarget } from "../../../builders/host/http-get.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { Descriptor } from "../../domain/oci.ts";
import type { BlobSource } from "../../ports/artifact-store.ts";
import { blobIsThere } from "./blob-download.ts";
import { readSource } from "./blob-source.ts";
import type { HttpReply } from "../http-exchange.ts";
import type { Call, RegistryClient } from "./registry-client.ts";
import { readFailure } from "./reply-body.ts";
import { judgeReply, refusal } from "./reply-judge.ts";
import { type Attempt, retrying } from "./retrying.ts";
import { skipBytes } from "./skip-bytes.ts";
import { wrongBytes } from "./store-faults.ts";

/** A blob on its way: where its bytes go, and for which rights the registry said so. */
type Upload = { readonly location: URL; readonly offset: number; readonly rights: Pick<Call, "reads"> };

const OCTETS = { "content-type": "application/octet-stream" };

/**
 * Where the registry wants bytes to go: the Location of an answer of `from`.
 * @throws ReleaseError RegistryRefused if there is none, or it is another host and that is not allowed
 */
function uploadLocation(client: RegistryClient, call: Call, from: URL, reply: HttpReply): URL {
  const target = redirectTarget(from, reply.headers.location);
  const elsewhere = typeof target !== "string" && target.host !== from.host;
  if (typeof target !== "string" && (!elsewhere || client.uploadsElsewhere)) return target;
  const why = typeof target === "string" ? target : `uploads should go to ${target.host}`;
  const remedy = "see how the registry is set up, and name it by the host that takes its uploads";
  throw new ReleaseError("RegistryRefused", `${client.describe(call)}: ${why}`, remedy);
}

/** Asks for a blob of a sibling; undefined where that is no use: no rights there, or a registry that cannot. */
async function mount(client: RegistryClient, call: Call, signal: AbortSignal) {
  const reply = await client.exchange(call, signal).catch((error: unknown) => {
    if (error instanceof ReleaseError && error.code === "Unauthorized") return undefined;
    throw error;
  });
  if (reply?.status === 201 || reply?.status === 202) return reply;
  reply?.close();
  return undefined;
}

/** Opens an upload, or mounts the blob: `null` if that was all. */
async function start(
  client: RegistryClient,
  { digest }: Descriptor,
  mountFrom: string | undefined,
  signal: AbortSignal,
): Promise<Attempt<Upload | null>> {
  const call: Call = { method: "POST", to: "blobs/uploads/" };
  const rights = mountFrom === undefined ? {} : { reads: mountFrom };
  const query = `mount=${digest}&from=${encodeURIComponent(mountFrom ?? "")}`;
  const mounted =
    mountFrom === undefined
      ? undefined
      : await mount(client, { ...call, ...rights, to: `blobs/uploads/?${query}` }, signal);
  const reply = mounted ?? (await client.exchange(call, signal));
  if (reply === mounted && reply.status === 201) {
    reply.close();
    return { kind: "done", value: null };
  }
  if (reply.status !== 202) return judgeReply(client.describe(call), reply);
  reply.close();
  const location = uploadLocation(client, call, reply.url, reply);
  return { kind: "done", value: { location, offset: 0, rights: reply === mounted ? rights : {} } };
}

/**
 * How far an upload that broke off had come, by the registry's word; undefined if it says nothing usable, so that the
 * blob is to be sent afresh. `0-0` is what some say of an empty upload, and others of one byte.
 */
async function progress(
  client: RegistryClient,
  upload: Upload,
  size: number,
  signal: AbortSignal,
): Promise<Upload | undefined> {
  const call: Call = { method: "GET", to: upload.location, ...upload.rights };
  const reply = await client.exchange(call, signal);
  reply.close();
  const last = Number(/^(?:bytes=)?0-([1-9][0-9]{0,14})$/.exec(reply.headers.range ?? "")?.[1]);
  if (reply.status !== 204 || Number.isNaN(last) || last + 1 >= size) return undefined;
  const { location } = reply.headers;
  const next = location === undefined ? upload.location : uploadLocation(client, call, reply.url, reply);
  return { ...upload, location: next, offset: last + 1 };
}

/** Where an upload ends: the digest joins whatever query its location has, which is left as it is. */
function closing(location: URL, digest: string): URL {
  const url = new URL(location);
  url.search = `${url.search === "" ? "?" : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}

/** What the answer to the last request of an upload means. `fresh`: it was sent from its first byte on. */
async function settle(what: string, reply: HttpReply, digest: string, fresh: boolean): Promise<Attempt<null>> {
  const { status, headers } = reply;
  if (status === 201) {
    reply.close();
    const found = headers["docker-content-digest"] ?? digest;
    if (found !== digest) throw wrongBytes(`${what}: ${digest}`, String(found));
    return { kind: "done", value: null };
  }
  if (status !== 400 && status !== 404 && status !== 416) return judgeReply(what, reply);
  const { code, text } = await readFailure(reply);
  const otherBytes = ["DIGEST_INVALID", "SIZE_INVALID"].includes(code);
  if (otherBytes && fresh) throw wrongBytes(`${what}: ${digest}`, text);
  if (otherBytes || code === "BLOB_UPLOAD_INVALID" || status !== 400) {
    return { kind: "again", reason: `the registry lost the upload: ${text}` };
  }
  throw refusal(what, text);
}

/** Sends what is missing: all in one request, or from where an earlier one broke off and then its end. */
async function send(
  client: RegistryClient,
  { location, offset, rights }: Upload,
  { digest, size }: Descriptor,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Attempt<null>> {
  const body = { size: size - offset, chunks: skipBytes(chunks, offset) };
  if (offset === 0) {
    const put: Call = { method: "PUT", to: closing(location, digest), headers: OCTETS, body, ...rights };
    return settle(client.describe(put), await client.exchange(put, signal), digest, true);
  }
  const range = { "content-range": `${offset}-${size - 1}` };
  const patch: Call = { method: "PATCH", to: location, headers: { ...OCTETS, ...range }, body, ...rights };
  const reply = await client.exchange(patch, signal);
  if (reply.status !== 202) return settle(client.describe(patch), reply, digest, false);
  reply.close();
  const end = reply.headers.location === undefined ? location : uploadLocation(client, patch, reply.url, reply);
  const put: Call = { method: "PUT", to: closing(end, digest), headers: OCTETS, ...rights };
  return settle(client.describe(put), await client.exchange(put, signal), digest, false);
}

/**
 * Makes sure that a repository has a blob (distribution-spec, "Pushing blobs"): mounts it, or streams it in one request.
 * Where that breaks off it goes on from where the registry says it is, or starts over if the registry says nothing.
 * @throws ReleaseError RegistryUnavailable, RegistryRefused, Unauthorized, RegistryDigestMismatch, InputDigestMismatch,
 * InputMissing
 */
export async function uploadBlob(
  client: RegistryClient,
  descriptor: Descriptor,
  source: BlobSource,
  signal: AbortSignal,
  mountFrom: string | undefined,
): Promise<void> {
  let upload: Upload | undefined;
  await retrying<null>(`push of ${descriptor.digest} to ${client.repository}`, client.pace, signal, async () => {
    // first, since an earlier try may have arrived whole though its answer did not
    const there = await blobIsThere(client, descriptor.digest, signal);
    if (there.kind === "again") return there;
    if (there.value) return { kind: "done", value: null };
    if (upload !== undefined) upload = await progress(client, upload, descriptor.size, signal);
    if (upload === undefined) {
      const started = await start(client, descriptor, mountFrom, signal);
      if (started.kind === "again") return started;
      if (started.value === null) return { kind: "done", value: null };
      upload = started.value;
    }
    const current = upload;
    const sent = await readSource(
      descriptor,
      source,
      (chunks) => send(client, current, descriptor, chunks, signal),
      signal,
    );
    if (sent.kind === "again") upload = undefined; // an answer, unlike a broken connection, ends the upload
    return sent;
  });
}

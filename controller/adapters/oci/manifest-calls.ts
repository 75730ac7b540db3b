import type { IncomingHttpHeaders } from "node:http";
import { type Digest, digestOf } from "../../../builders/contract/digest.ts";
import { MAX_MANIFEST_BYTES } from "../../domain/manifest-links.ts";
import { OCI } from "../../domain/oci.ts";
import type { StoredManifest } from "../../ports/artifact-store.ts";
import type { RegistryClient } from "./registry-client.ts";
import { MAX_JSON_BYTES, parseFailure } from "./reply-body.ts";
import { refusal } from "./reply-judge.ts";
import { retrying } from "./retrying.ts";
import { wrongBytes } from "./store-faults.ts";

/** Every kind of manifest: a registry may turn one that is not accepted into another, of another digest. */
const ACCEPT = [
  OCI.manifest,
  OCI.index,
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");

/** How often wrong bytes are asked for again, the first time included. */
const TRIES = 3;

/** Refuses an answer whose Docker-Content-Digest is not the digest of what was sent or received. */
function checkDigest(what: string, headers: IncomingHttpHeaders, digest: Digest): void {
  const said = headers["docker-content-digest"];
  if (said !== undefined && said !== digest) throw wrongBytes(`${what}: ${digest}`, String(said));
}

/**
 * What a registry has under a tag or digest (distribution-spec, "Pulling manifests"); null if nothing.
 * @throws ReleaseError RegistryDigestMismatch if it does not have that digest, or the one that the registry claims
 */
export async function getManifest(
  client: RegistryClient,
  reference: string,
  signal: AbortSignal,
): Promise<StoredManifest | null> {
  const call = { method: "GET", to: `manifests/${reference}`, headers: { accept: ACCEPT } } as const;
  const answer = await client.ask(call, [200, 404], MAX_MANIFEST_BYTES, signal);
  if (answer.status === 404) return null;
  const digest = digestOf(answer.body);
  checkDigest(client.describe(call), answer.headers, digest);
  const mediaType = (answer.headers["content-type"] ?? "").replace(/[ \t]*;.*$/s, "");
  return { digest, mediaType, bytes: answer.body };
}

/**
 * A manifest by digest; wrong bytes are asked for again.
 * @throws ReleaseError RegistryDigestMismatch if they stay wrong
 */
export async function getManifestByDigest(
  client: RegistryClient,
  digest: Digest,
  signal: AbortSignal,
): Promise<StoredManifest | null> {
  for (let nth = 1; ; nth += 1) {
    const manifest = await getManifest(client, digest, signal);
    if (manifest === null || manifest.digest === digest) return manifest;
    if (nth === TRIES) throw wrongBytes(`${client.repository}@${digest}`, manifest.digest);
  }
}

/**
 * Stores a manifest under a tag or its digest (distribution-spec, "Pushing Manifests"). Where the registry says that it got
 * other bytes it is sent again: docker-registry 2.8 also says so while it writes another manifest that this one refers to.
 * @throws ReleaseError RegistryDigestMismatch if it stays with that, or says that it stored another one
 */
export async function putManifest(
  client: RegistryClient,
  reference: string,
  { mediaType, bytes, digest }: StoredManifest,
  signal: AbortSignal,
): Promise<void> {
  const headers = { "content-type": mediaType };
  const call = { method: "PUT", to: `manifests/${reference}`, headers, body: bytes } as const;
  const what = client.describe(call);
  for (let nth = 1; ; nth += 1) {
    const answer = await client.ask(call, [201, 400], MAX_JSON_BYTES, signal);
    if (answer.status === 201) return checkDigest(what, answer.headers, digest);
    const { code, text } = parseFailure(answer.status, answer.body);
    if (code !== "DIGEST_INVALID") throw refusal(what, text);
    if (nth === TRIES) throw wrongBytes(`${what}: ${digest}`, text);
  }
}

/**
 * Waits for what `look` finds: a registry of several machines may know at one what was pushed to another a moment later.
 * @throws ReleaseError RegistryUnavailable if it does not come; what `look` throws
 */
export const awaitFound = <T>(
  client: RegistryClient,
  what: string,
  look: () => Promise<T | null>,
  signal: AbortSignal,
): Promise<T> =>
  retrying<T>(`${client.repository}: ${what}`, client.pace, signal, async () => {
    const value = await look();
    return value === null ? { kind: "again", reason: "it is not there" } : { kind: "done", value };
  });

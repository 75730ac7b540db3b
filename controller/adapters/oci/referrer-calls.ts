import { setTimeout as sleep } from "node:timers/promises";
import { canonicalJson, type Digest, digestOf } from "../../../builders/contract/digest.ts";
import { redirectTarget } from "../../../builders/host/http-get.ts";
import { referrersTag } from "../../domain/artifact-names.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { MAX_MANIFEST_BYTES } from "../../domain/manifest-links.ts";
import { byDigest, type Descriptor, EMPTY_INDEX, ImageIndex, indexDescriptors, OCI } from "../../domain/oci.ts";
import { inTurn } from "./in-turn.ts";
import { awaitFound, getManifest, putManifest } from "./manifest-calls.ts";
import type { Call, RegistryClient } from "./registry-client.ts";

/** Statuses of a registry that does not know the referrers API, besides an answer that is no index. */
const NO_API = [400, 404, 405, 406, 501];
const MAX_PAGES = 100;
/** How often the tag schema's index is written again because somebody else wrote it meanwhile. */
const TRIES = 8;

const refused = (client: RegistryClient, subject: Digest, why: string, cause?: unknown): ReleaseError =>
  new ReleaseError(
    "RegistryRefused",
    `${client.repository}: the referrers of ${subject}: ${why}`,
    "see what the registry has there",
    { cause },
  );

function parseIndex(client: RegistryClient, subject: Digest, bytes: Uint8Array): ImageIndex {
  try {
    return ImageIndex.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw refused(client, subject, "no index", cause);
  }
}

/** The next page of a list, of the same registry (RFC 8288; distribution-spec, "Listing Referrers"). */
function nextPage(client: RegistryClient, subject: Digest, at: URL, link: string): URL | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(link)?.[1];
  if (target === undefined) return undefined;
  const url = redirectTarget(at, target);
  if (typeof url === "string" || url.origin !== at.origin) throw refused(client, subject, "a next page elsewhere");
  return url;
}

/** What the referrers API lists; undefined if the registry has none. */
async function listByApi(
  client: RegistryClient,
  subject: Digest,
  signal: AbortSignal,
): Promise<Descriptor[] | undefined> {
  const found: Descriptor[] = [];
  let to: Call["to"] = `referrers/${subject}`;
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const call: Call = { method: "GET", to, headers: { accept: OCI.index } };
    const answer = await client.ask(call, [200, ...(page === 1 ? NO_API : [])], MAX_MANIFEST_BYTES, signal);
    const isIndex = answer.headers["content-type"]?.startsWith(OCI.index) === true;
    if (page === 1 && (answer.status !== 200 || !isIndex)) return undefined;
    found.push(...indexDescriptors(parseIndex(client, subject, answer.body)));
    const next = nextPage(client, subject, answer.url, String(answer.headers.link ?? ""));
    if (next === undefined) return found;
    to = next;
  }
  throw refused(client, subject, `more than ${MAX_PAGES} pages`);
}

/** The index that the tag schema keeps. */
async function readTagged(client: RegistryClient, subject: Digest, signal: AbortSignal): Promise<ImageIndex> {
  const manifest = await getManifest(client, referrersTag(subject), signal);
  return manifest === null ? EMPTY_INDEX : parseIndex(client, subject, manifest.bytes);
}

/**
 * Adds a referrer to the tag schema's index, and looks whether it stayed: the last writer wins there.
 * @throws ReleaseError RegistryUnavailable if others always write over it
 */
async function addTagged(client: RegistryClient, referrer: Descriptor, subject: Digest, signal: AbortSignal) {
  for (let nth = 0; nth <= TRIES; nth += 1) {
    const index = await readTagged(client, subject, signal);
    if (index.manifests.some(({ digest }) => digest === referrer.digest)) return;
    if (nth === TRIES) break;
    const manifests = [...index.manifests, referrer].toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
    const bytes = new TextEncoder().encode(canonicalJson({ ...index, mediaType: OCI.index, manifests }));
    const manifest = { mediaType: OCI.index, bytes, digest: digestOf(bytes) };
    await putManifest(client, referrersTag(subject), manifest, signal);
    await sleep(Math.random() * nth * 100); // apart from other writers, which do the same
  }
  const what = `${client.repository}: others write over the list of what refers to ${subject}`;
  throw new ReleaseError("RegistryUnavailable", what, "let only one controller publish to the repository");
}

/**
 * Makes sure that a manifest that was pushed is found by its subject: by the registry itself, or by the tag schema
 * (distribution-spec, "Pushing Manifests with Subject"). The registry's header OCI-Subject is not relied upon.
 * @throws ReleaseError RegistryUnavailable if it is not
 */
export async function announceReferrer(
  client: RegistryClient,
  referrer: Descriptor,
  subject: Digest,
  signal: AbortSignal,
): Promise<void> {
  const listed = async (): Promise<true | null | undefined> => {
    const found = await listByApi(client, subject, signal);
    if (found === undefined) return undefined;
    return found.some(({ digest }) => digest === referrer.digest) ? true : null;
  };
  const outcome = await awaitFound(client, `${referrer.digest} as a referrer of ${subject}`, listed, signal);
  if (outcome === true) return;
  await inTurn(`${client.repository}@${subject}`, () => addTagged(client, referrer, subject, signal));
}

/** What refers to a manifest, by digest. */
export async function listReferrers(
  client: RegistryClient,
  subject: Digest,
  signal: AbortSignal,
): Promise<Descriptor[]> {
  const found =
    (await listByApi(client, subject, signal)) ?? indexDescriptors(await readTagged(client, subject, signal));
  return [...new Map(found.map((one) => [one.digest, one])).values()].toSorted(byDigest);
}

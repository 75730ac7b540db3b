import { z } from "zod";
import type { Digest } from "../../builders/contract/digest.ts";
import { RELEASE_FILE, releasePath } from "./release-folder.ts";

/** A commit by its whole ID, SHA-1 or SHA-256. */
export const CommitId = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, "must be a whole commit ID");

/** A release as statements and records name it. */
export type ReleaseFacts = {
  /** metadata.name */
  readonly name: string;
  /** spec.version */
  readonly version: string;
  /** the repository that the spec is in, as {@link repositoryUri} writes it */
  readonly repository: string;
  /** branch of the specs, by its short name */
  readonly branch: string;
  /** the commit that last touched the spec, 40 or 64 hex digits */
  readonly specCommit: string;
  /** digest of spec and locks (releaseDigest of release-folder.ts) */
  readonly specDigest: Digest;
};

/**
 * The URI of a source's repository (SPDX 2.3, 7.7 "VCS location"). A folder, which only the local process may have, is
 * named by its last part: where it lies on this machine says nothing to a reader.
 * @param url spec.url of a DiskImageReleaseSource
 */
export const repositoryUri = (url: string): string =>
  /^[a-z]+:\/\//.test(url) ? `git+${url}` : `git+file:${url.replace(/\/+$/, "").split("/").at(-1) ?? ""}`;

/** What is built: repository and branch, as one URI. */
export const sourceUri = ({ repository, branch }: ReleaseFacts): string => `${repository}@refs/heads/${branch}`;

/** Where the spec stands in its repository. */
export const specFile = ({ name }: ReleaseFacts): string => `${releasePath(name)}/${RELEASE_FILE}`;

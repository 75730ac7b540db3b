import { join } from "node:path";
import type { ClusterSource } from "../../domain/cluster-objects.ts";
import { RECORDS_BRANCH } from "../../domain/source.ts";
import type { WriterOptions } from "../git/branch.ts";
import { type OpenRepository, openRepositoryAt } from "../git/repository-at.ts";
import type { PrivateTexts } from "../local/private-texts.ts";
import type { ObjectData } from "./object-data.ts";
import { sourceAccess } from "./source-access.ts";

/** A source's repository, and what is asked of its commits. */
export type FollowedRepository = OpenRepository & {
  readonly allowedSigners: string | null;
  /** folders that the source sync has read of it (sync-source.ts) */
  readonly read: Map<string, { readonly id: string; readonly specDigest: string }>;
};

/** Repositories of sources. One of each is open at a time, so that its records have one writer. */
export type OpenedRepositories = {
  /**
   * The repository of a source, opened anew only when its spec changed; Secrets are read each time.
   * @throws ReleaseError as sourceAccess and openRepositoryAt
   */
  readonly open: (source: ClusterSource, signal: AbortSignal) => Promise<FollowedRepository>;
};

/**
 * Releases that are worked on at once look at the same branches again and again, and each look is three processes. Only we
 * write records, a push tells if somebody else did, and each look of a source at its specs is a new one. Milliseconds.
 */
const MAX_AGE = 30_000;

/**
 * @param mirrors absolute path of the folder that holds copies of repositories
 * @param told as in WriterOptions
 */
export function openedRepositories(
  data: ObjectData,
  texts: PrivateTexts,
  mirrors: string,
  told: Required<Pick<WriterOptions, "onPush" | "onUntidy">>,
): OpenedRepositories {
  const opened = new Map<
    string,
    { readonly of: string; readonly repository: Promise<OpenRepository>; readonly read: FollowedRepository["read"] }
  >();
  return {
    open: async (source, signal) => {
      const { uid, generation, spec } = source;
      const { allowedSigners, signingKey, ...access } = await sourceAccess(source, data, texts, signal);
      const of = `${generation} ${access.credentials?.kind} ${access.caFile} ${signingKey}`;
      let known = opened.get(uid);
      if (known?.of !== of) {
        const { author, branch = RECORDS_BRANCH, mode } = spec.writeBack;
        const place = {
          ...({ kind: "remote", location: spec.url, cwd: "/", mirrors: join(mirrors, uid), ...access } as const),
          allowHttp: spec.network.allowHTTP,
        };
        const repository = openRepositoryAt(place, {
          ...{ specBranch: spec.branch, recordsBranch: mode === "Path" ? spec.branch : branch },
          ...{ committer: { author, ...(signingKey === undefined ? {} : { signingKey }) }, maxAge: MAX_AGE, ...told },
        });
        known = { of, repository, read: new Map() };
        opened.set(uid, known);
        repository.catch(() => opened.delete(uid)); // what failed is tried anew
      }
      return { ...(await known.repository), allowedSigners, read: known.read };
    },
  };
}

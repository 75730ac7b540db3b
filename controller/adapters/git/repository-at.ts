import { access, constants } from "node:fs/promises";
import { join, resolve } from "node:path";
import { sha256Hex } from "../../../builders/contract/digest.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { parseLocation } from "../../domain/repository-location.ts";
import { changesFile } from "../../domain/spec-files.ts";
import type { CommitVerifier } from "../../ports/commit-verifier.ts";
import type { RecordRepository } from "../../ports/record-repository.ts";
import type { SpecRepository, SpecTree } from "../../ports/spec-repository.ts";
import { openBareRepository } from "./bare-repository.ts";
import { type Branch, localBranch, type WriterOptions } from "./branch.ts";
import { readSignature } from "./commit-signature.ts";
import type { Git } from "./git.ts";
import { type Mirror, mirroredBranch, openMirror, writeTrustingConfig } from "./mirror.ts";
import { recordRepository } from "./record-repository.ts";
import { accessTo, type RemoteCredentials } from "./remote-access.ts";
import { specRepository } from "./spec-repository.ts";
import { treesInHistory } from "./tree.ts";

/** The repository with specs and records. */
export type RepositoryPlace =
  /** our own, a bare repository; `directory` is absolute, and is made on first use */
  | { readonly kind: "own"; readonly directory: string }
  /** one that others write too, specs only others */
  | {
      readonly kind: "remote";
      /** a URL, or a path relative to `cwd` (repository-location.ts) */
      readonly location: string;
      readonly cwd: string;
      readonly allowHttp: boolean;
      /** absolute path of the folder that holds mirrors */
      readonly mirrors: string;
      readonly credentials?: RemoteCredentials;
      /** certificates in PEM that an https server's must come from */
      readonly caFile?: string;
    };

export type RepositoryOptions = WriterOptions & {
  readonly specBranch: string;
  /** may be the same */
  readonly recordsBranch: string;
};

/** Both sides of a repository. What `specs` of a remote one would have to commit, people commit: it refuses. */
export type OpenRepository = CommitVerifier & {
  readonly specs: SpecRepository;
  readonly records: RecordRepository;
  /** the tree of a commit that the branch of specs holds; null if it does not */
  readonly specsAt: (commit: string) => Promise<SpecTree | null>;
};

/** Specs that only people commit. */
function readOnly(specs: SpecRepository, label: string): SpecRepository {
  return {
    tip: specs.tip,
    commit: (propose) =>
      specs.commit(async (tip) => {
        const proposal = await propose(tip);
        const missing: string[] = [];
        for (const { path, content } of proposal?.changes ?? []) {
          if (changesFile(await tip.readFile(path), content)) missing.push(path);
        }
        if (missing.length === 0) return null;
        throw new ReleaseError(
          "NotFound",
          `${label} does not have this: ${missing.join(", ")}`,
          "commit it there by a pull request, then try again: specs of a repository that others write are theirs",
        );
      }),
  };
}

const filesOf = (credentials: RemoteCredentials | undefined, caFile: string | undefined): string[] => [
  ...(credentials?.kind === "password" ? [credentials.file] : []),
  ...(credentials?.kind === "ssh-key" ? [credentials.privateKey, credentials.knownHosts] : []),
  ...(caFile === undefined ? [] : [caFile]),
];

/** git and ssh would go on without it, and fail with another message. */
async function checkReadable(path: string): Promise<void> {
  await access(path, constants.R_OK).catch((cause: unknown) => {
    throw new ReleaseError("InputMissing", `cannot read ${path}`, "name a file that this user may read", { cause });
  });
}

async function openRemote(place: RepositoryPlace & { readonly kind: "remote" }): Promise<Mirror> {
  const { cwd, allowHttp, mirrors, credentials, caFile } = place;
  const parsed = parseLocation(place.location, { allowHttp });
  const location = parsed.scheme === "file" ? { ...parsed, address: resolve(cwd, parsed.address) } : parsed;
  for (const path of filesOf(credentials, caFile)) await checkReadable(path);
  const trustingConfig = await writeTrustingConfig(mirrors);
  const directory = join(mirrors, `${sha256Hex(location.address).slice(0, 16)}.git`);
  return openMirror(directory, location.address, accessTo(location, { ...place, trustingConfig }));
}

/**
 * The specs and records of a repository.
 * @throws ReleaseError Usage for a location that is none, or credentials that do not go with it; InputMissing if a file
 * of them cannot be read; RepositoryUnusable, ToolMissing; of a remote repository that is opened for the first time
 * RepositoryUnavailable and Unauthorized
 */
export async function openRepositoryAt(place: RepositoryPlace, options: RepositoryOptions): Promise<OpenRepository> {
  const { specBranch, recordsBranch } = options;
  const reading = (git: Git, branch: Branch) => {
    const treeInHistory = treesInHistory(git);
    return {
      signatureOf: (commit: string, signers: string) => readSignature(git, commit, signers),
      specsAt: async (commit: string) => {
        const found = await treeInHistory(await branch.tip(options.maxAge), commit);
        return found ?? treeInHistory(await branch.tip(), commit);
      },
    };
  };
  if (place.kind === "own") {
    const git = await openBareRepository(place.directory, specBranch);
    const branch = (name: string) => localBranch(git, place.directory, name);
    const records = recordRepository(branch(recordsBranch), options);
    const specs = branch(specBranch);
    return { specs: specRepository(specs, options), records, ...reading(git, specs) };
  }
  const mirror = await openRemote(place);
  const records = mirroredBranch(mirror, recordsBranch, true);
  const specs = specBranch === recordsBranch ? records : mirroredBranch(mirror, specBranch, false);
  return {
    specs: readOnly(specRepository(specs, options), specs.label),
    records: recordRepository(records, options),
    ...reading(mirror.git, specs),
  };
}

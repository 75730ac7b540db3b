import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openRepositoryAt } from "../controller/adapters/git/repository-at.ts";
import { openKeySigner } from "../controller/adapters/signing/key-signer.ts";
import { localPolicy, OWN_POLICY } from "../controller/domain/policy-file.ts";
import type { ArtifactStore } from "../controller/ports/artifact-store.ts";
import { makeRelease, SPEC_FILES } from "./verifiable-release.ts";

/**
 * Makes a release that `imgrel verify demo` proves: in `folder` `repository.git` with a policy of its own, the same
 * `policy.yaml` and `keys`; in `store` its artifacts. The branch of specs goes on after the release.
 * @param signingKey an SSH key that signs the commits
 */
export async function makeVerifiable(folder: string, store: ArtifactStore, signingKey?: string): Promise<void> {
  const commit = async (branch: "specs" | "records", files: ReadonlyMap<string, string>): Promise<string> => {
    const committer = {
      author: { name: "t", email: "t@localhost" },
      ...(signingKey === undefined ? {} : { signingKey }),
    };
    // records are written without their rules: what stands there is for the verifier to find
    const [specBranch, recordsBranch] =
      branch === "specs" ? ["main", "release-records"] : (["release-records", "main"] as const);
    const place = { kind: "own", directory: join(folder, "repository.git") } as const;
    const open = await openRepositoryAt(place, { specBranch, recordsBranch, committer });
    const changes = [...files].map(([path, content]) => ({ path, content }));
    const { commit: made } = await open.specs.commit(async () => ({ changes, message: "Change" }));
    return made ?? "";
  };
  const signer = await openKeySigner({ folder: join(folder, "keys") });
  const policy = join(folder, "policy.yaml");
  await writeFile(policy, localPolicy({ ...signer.identity, minBuilds: 2, bootRequired: true }));
  const own = new Map([...SPEC_FILES, [OWN_POLICY, await readFile(policy, "utf8")]]);
  const specCommit = await commit("specs", own);
  await commit("records", await makeRelease({ signer, store, specCommit, folder }));
  await commit("specs", new Map([["README.md", "The spec's commit is not the last one.\n"]]));
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { createBundleVerifier } from "../controller/adapters/signing/bundle-verifier.ts";
import { openKeySigner } from "../controller/adapters/signing/key-signer.ts";
import type { SeenIndex } from "../controller/domain/check-record-list.ts";
import { keySigners, localPolicy, requirePolicy } from "../controller/domain/policy-file.ts";
import type { Statement } from "../controller/domain/statement.ts";
import type { CommitSignature } from "../controller/ports/commit-verifier.ts";
import type { Signer } from "../controller/ports/signer.ts";
import { type Verification, verifyRelease } from "../controller/reconciler/verify-release.ts";
import { fakeArtifactStore } from "./fakes/artifact-store.ts";
import { treeOf } from "./fakes/commit-history.ts";
import { type Lies, makeRelease, SPEC_FILES } from "./verifiable-release.ts";

/** The commit of the spec. */
export const COMMIT = "3f".repeat(20);
const signal = new AbortController().signal;
const bytes = (files: ReadonlyMap<string, string>) =>
  new Map([...files].map(([path, text]) => [path, new TextEncoder().encode(text)]));

/** where keys and files of the tests are */
export let folder = "";
/** signs the release; the policy names it */
export let ours: Signer;
/** a stranger */
export let other: Signer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-verify-"));
  ours = await openKeySigner({ folder: join(folder, "keys") });
  other = await openKeySigner({ folder: join(folder, "other") });
});
afterAll(() => rm(folder, { recursive: true }));

export const policyText = (signer = ours) => localPolicy({ ...signer.identity, minBuilds: 2, bootRequired: true });

/** A verification in memory, by real signatures: of a whole release, but for what it changes. */
export type Case = {
  readonly lies?: Lies;
  /** changes files of the branch of records */
  readonly tamper?: (files: Map<string, string>) => void;
  readonly specs?: (files: Map<string, string>) => void;
  readonly policy?: string;
  readonly given?: Partial<Verification>;
  readonly seen?: SeenIndex;
  /** of the commit that last touched the spec, by who may sign it */
  readonly signature?: (allowedSigners: string) => CommitSignature;
};

/** Makes the release of a case, and verifies it. */
export async function verify({
  lies = {},
  tamper,
  specs,
  policy = policyText(),
  given = {},
  seen,
  signature,
}: Case = {}) {
  const { store } = fakeArtifactStore("local/images");
  const files = new Map(await makeRelease({ signer: ours, store, specCommit: COMMIT, folder, lies }));
  tamper?.(files);
  const specFiles = new Map(SPEC_FILES);
  specs?.(specFiles);
  const tree = treeOf([{ id: COMMIT, message: "", files: bytes(specFiles) }]);
  const read = requirePolicy(policy, "policy.yaml");
  const { checks, index } = await verifyRelease({
    ...{ name: "demo", policy: read, store, files: [], minIndexVersion: 0, signal },
    verifier: createBundleVerifier({ signers: keySigners(read, new Map()), now: () => new Date() }),
    repository: {
      specs: tree,
      records: treeOf([{ id: "r", message: "", files: bytes(files) }]),
      signatureOf: async (commit, allowed) => {
        if (commit !== COMMIT || signature === undefined) throw new RangeError(`nobody asks for ${commit}`);
        return signature(allowed);
      },
      specsAt: async (commit) => (commit === COMMIT ? tree : null),
    },
    seen: { read: async () => seen ?? null },
    ...given,
  });
  const failed = checks.filter(({ result }) => result === "FAIL");
  return { checks, index, failed: failed.map(({ name }) => name), whys: failed.map(({ why }) => why).join("\n") };
}

/** A change of one statement before it is signed. */
export const lie = (name: string, change: (statement: Statement) => Statement): Case => ({
  lies: { statement: (one, statement) => (one === name ? change(structuredClone(statement)) : statement) },
});
export const edit = (path: string, change: (text: string) => string): Case => ({
  tamper: (files) => {
    const before = files.get(path) ?? "";
    const after = change(before);
    if (after === before) throw new RangeError(`${path} did not change`);
    files.set(path, after);
  },
});

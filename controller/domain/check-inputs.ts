import { canonicalJson } from "../../builders/contract/digest.ts";
import type { Lock } from "../../builders/contract/lock.ts";
import { recordInvalid } from "./record-invalid.ts";
import type { ReleaseFacts } from "./release-facts.ts";
import { resolvedDependencies, type ResourceDescriptor } from "./resolved-dependencies.ts";

/** What a run must have been made from, as the repository has it. */
export type CommittedInputs = {
  readonly release: ReleaseFacts;
  /** of one arch, at the spec's commit */
  readonly lock: Lock;
  /** the lock that `lock` names as its toolchain */
  readonly toolchain: Lock;
  /** spec.inputs.baseImage; null without */
  readonly baseImage: string | null;
};

type Named = Pick<ResourceDescriptor, "name"> & {
  readonly uri?: string;
  readonly digest?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, unknown>>;
};

/** Dependencies that spec and locks decide; a builder may name others of its own. */
const DECIDED = /^(?:spec|lock|toolchain-lock|base-image|deb|apt-index\/.*)$/;

/** A dependency as far as spec and locks decide it. Where it was downloaded from says nothing about what it is. */
const identityOf = ({ name, uri = "", digest = {}, annotations = {} }: Named): string =>
  [name, uri, digest["sha256"] ?? digest["gitCommit"], canonicalJson(annotations["debCount"] ?? null)]
    .filter((part) => part !== undefined && part !== "" && part !== "null")
    .join(" ");

/** How often each entry stands there. */
function counted(entries: readonly Named[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const entry of entries.filter(({ name }) => DECIDED.test(name))) {
    const identity = identityOf(entry);
    counts.set(identity, (counts.get(identity) ?? 0) + 1);
  }
  return counts;
}

/**
 * Checks the inputs that a provenance names: exactly the spec, locks, indices and packages that the repository has at
 * the spec's commit (trust.md 2.3, step 6). A provenance without packages must say how many each lock stands for.
 * @param file the provenance, for messages
 * @throws ReleaseError RecordInvalid naming the first input that is missing or not the repository's
 */
export function checkInputs(file: string, dependencies: readonly Named[], committed: CommittedInputs): void {
  const { release, lock, toolchain, baseImage } = committed;
  const unknown = { specTree: null, imgrel: { version: "", commit: null }, builderImage: null, locations: {} };
  const locks = { lock: { lock, gitBlob: null }, toolchain: { lock: toolchain, gitBlob: null } };
  const debs = dependencies.some(({ name }) => name === "deb");
  const wanted = counted(resolvedDependencies({ ...unknown, release, ...locks, baseImage }, { debs }));
  const found = counted(dependencies);
  const wrong = (why: string) => recordInvalid(file, "resolvedDependencies", why);
  for (const [entry, count] of wanted) {
    if ((found.get(entry) ?? 0) < count) throw wrong(`${entry} of the repository is missing`);
  }
  for (const [entry, count] of found) {
    if (count > (wanted.get(entry) ?? 0)) throw wrong(`${entry} is not of the repository`);
  }
}

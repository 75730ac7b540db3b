import { type BuildManifest, describedFiles } from "../../builders/contract/build-manifest.ts";
import { PERTURBED_FILE } from "../../builders/contract/perturbation.ts";
import { canonicalJson, type Digest, type Sha256Hex } from "../../builders/contract/digest.ts";

/** What the comparator found out about one file itself. */
export type FileFacts = { readonly sha256: Sha256Hex; readonly sizeBytes: number; readonly fsverityDigest: Digest };

/** One run as the comparator sees it: files by path below the run's output folder, its manifest among them. */
export type RunFacts = {
  readonly run: number;
  /** what the run says of itself; null if `<arch>/build-manifest.json` is missing or not valid */
  readonly manifest: BuildManifest | null;
  readonly files: ReadonlyMap<string, FileFacts>;
  /** entries that are neither file nor folder, such as a link to another run's file */
  readonly strange: readonly string[];
};

/** A file that runs have in different versions, or that not all of them have. Runs in order, versions by first run. */
export type FileDifference =
  | {
      readonly kind: "content";
      readonly path: string;
      readonly versions: readonly (FileFacts & { readonly runs: readonly number[] })[];
    }
  | {
      readonly kind: "missing";
      readonly path: string;
      readonly presentIn: readonly number[];
      readonly missingIn: readonly number[];
    };

/** A field of the manifest with more than one value, as canonical JSON; null where a run lacks the field. */
export type ManifestDifference = {
  readonly kind: "manifest";
  readonly field: string;
  readonly values: readonly { readonly run: number; readonly value: string | null }[];
};

/** A run that a test made wrong on purpose: it is never the same as another, whatever its bytes. */
export type PerturbedRun = { readonly kind: "perturbed"; readonly run: number };

export type Difference = FileDifference | ManifestDifference | PerturbedRun;

/** A run whose manifest is not true of its own files. */
export type ManifestFault = { readonly run: number; readonly path: string; readonly message: string };

export type ComparedArtifact = FileFacts & { readonly path: string };

/**
 * What a comparison came to. `manifest-mismatch` comes first: a run that misdescribes its files proves nothing, whether
 * the bytes agree or not.
 */
export type Verdict =
  | { readonly kind: "reproduced"; readonly runs: readonly number[]; readonly artifacts: readonly ComparedArtifact[] }
  | {
      readonly kind: "manifest-mismatch";
      readonly runs: readonly number[];
      readonly faults: readonly ManifestFault[];
      readonly differences: readonly Difference[];
    }
  | {
      readonly kind: "not-reproducible";
      readonly runs: readonly number[];
      readonly differences: readonly Difference[];
    };

/** Where a run's manifest stands below its output folder. */
export const manifestPath = (arch: string): string => `${arch}/build-manifest.json`;

const perturbedPath = (arch: string): string => `${arch}/${PERTURBED_FILE}`;

const FACT_FIELDS = [
  ["sha256", "sha256"],
  ["size_bytes", "sizeBytes"],
  ["fsverity_digest", "fsverityDigest"],
] as const;

/** What one run's manifest says that its files do not bear out. */
function manifestFaults({ run, manifest, files, strange }: RunFacts, arch: string): ManifestFault[] {
  const own = manifestPath(arch);
  const faults = strange.map((path) => ({ run, path, message: "is neither a file nor a folder" }));
  if (manifest === null) return [...faults, { run, path: own, message: "is missing or not a valid manifest" }];
  if (manifest.arch !== arch) return [...faults, { run, path: own, message: `is for ${manifest.arch}, not ${arch}` }];
  const described = describedFiles(manifest);
  for (const { path, said } of described) {
    const found = files.get(path);
    if (found === undefined) {
      faults.push({ run, path, message: "stands in the manifest, but there is no such file" });
      continue;
    }
    for (const [field, fact] of FACT_FIELDS) {
      if (said[field] === found[fact]) continue;
      faults.push({ run, path, message: `the manifest says ${field} ${said[field]}, the file has ${found[fact]}` });
    }
  }
  const known = new Set([own, perturbedPath(arch), ...described.map(({ path }) => path)]);
  for (const path of files.keys()) {
    if (!known.has(path)) faults.push({ run, path, message: "is not in the manifest" });
  }
  return faults;
}

/** Runs by the version of the file that they have, first version first. */
function fileDifference(path: string, runs: readonly RunFacts[]): FileDifference | null {
  const presentIn = runs.filter(({ files }) => files.has(path)).map(({ run }) => run);
  if (presentIn.length < runs.length) {
    const missingIn = runs.filter(({ files }) => !files.has(path)).map(({ run }) => run);
    return { kind: "missing", path, presentIn, missingIn };
  }
  const versions = new Map<string, FileFacts & { runs: number[] }>();
  for (const { run, files } of runs) {
    const facts = files.get(path);
    if (facts === undefined) continue;
    const known = versions.get(facts.sha256);
    if (known === undefined) versions.set(facts.sha256, { ...facts, runs: [run] });
    else known.runs.push(run);
  }
  return versions.size < 2 ? null : { kind: "content", path, versions: [...versions.values()] };
}

/** A manifest as `field -> canonical JSON`; artifacts are one field each. */
function manifestFields(manifest: BuildManifest): Map<string, string> {
  const { artifacts: _each, ...rest } = manifest;
  return new Map([
    ...Object.entries(rest).map(([field, value]) => [field, canonicalJson(value)] as const),
    ...describedFiles(manifest).map(({ field, said }) => [field, canonicalJson(said)] as const),
  ]);
}

/** Fields of the manifest that speak of these files. */
const fieldsOf = (paths: ReadonlySet<string>, { manifest }: RunFacts): string[] =>
  manifest === null ? [] : describedFiles(manifest).flatMap(({ path, field }) => (paths.has(path) ? [field] : []));

/** Fields that differ, without those of files that differ anyway. */
function manifestDifferences(runs: readonly RunFacts[], explained: ReadonlySet<string>): ManifestDifference[] {
  const known = runs.flatMap(({ run, manifest }) =>
    manifest === null ? [] : [{ run, fields: manifestFields(manifest) }],
  );
  const fields = [...new Set(known.flatMap((one) => [...one.fields.keys()]))].toSorted();
  return fields.flatMap((field) => {
    const values = known.map((one) => ({ run: one.run, value: one.fields.get(field) ?? null }));
    if (explained.has(field) || new Set(values.map(({ value }) => value)).size < 2) return [];
    return [{ kind: "manifest" as const, field, values }];
  });
}

/** Everything that is not the same in all runs: files in order of path, then fields of the manifest. */
function differencesOf(runs: readonly RunFacts[], arch: string): Difference[] {
  const perturbed = runs.filter(({ files }) => files.has(perturbedPath(arch)));
  const all = new Set(runs.flatMap(({ files }) => [...files.keys()]));
  const paths = [...all].filter((path) => path !== perturbedPath(arch)).toSorted();
  const files = paths.flatMap((path) => fileDifference(path, runs) ?? []);
  const differing = new Set(files.map(({ path }) => path));
  const explained = new Set(runs.flatMap((run) => fieldsOf(differing, run)));
  const marks = perturbed.map(({ run }) => ({ kind: "perturbed" as const, run }));
  return [...marks, ...files, ...manifestDifferences(runs, explained)];
}

/**
 * The verdict over all runs of one arch, from what the comparator hashed itself.
 * @throws RangeError with fewer than two runs, or two of one number: a run that is compared with itself proves nothing
 */
export function compareRuns(arch: string, runs: readonly RunFacts[]): Verdict {
  const numbers = runs.map(({ run }) => run);
  if (runs.length < 2 || new Set(numbers).size < runs.length) {
    throw new RangeError(`a comparison needs two different runs at least, not ${numbers.join(", ") || "none"}`);
  }
  const faults = runs.flatMap((run) => manifestFaults(run, arch));
  const differences = differencesOf(runs, arch);
  if (faults.length > 0) return { kind: "manifest-mismatch", runs: numbers, faults, differences };
  if (differences.length > 0) return { kind: "not-reproducible", runs: numbers, differences };
  const artifacts = [...(runs[0]?.files ?? [])].map(([path, facts]) => ({ path, ...facts }));
  return { kind: "reproduced", runs: numbers, artifacts: artifacts.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
}

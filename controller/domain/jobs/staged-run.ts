import { z } from "zod";
import { BuildManifest } from "../../../builders/contract/build-manifest.ts";
import type { Digest } from "../../../builders/contract/digest.ts";
import type { Arch } from "../../../builders/contract/variant.ts";
import { encodeArtifact, type EncodedManifest, type NamedBlob } from "../artifact-manifest.ts";
import { manifestPath } from "../comparison.ts";
import { ReleaseError } from "../errors.ts";
import { ANNOTATION, ArtifactManifest, type Descriptor } from "../oci.ts";
import { checkedPath } from "../spec-files.ts";

/** What a staged run is; nobody but the controller that staged it reads one. */
const STAGED_TYPE = "application/vnd.powernode.staged-run.v1";
const BYTES = "application/octet-stream";

/** Folders of a staged run: outputs by their path below `out`, and logs by name. */
export const STAGED = { out: "out/", logs: "logs/" } as const;

/** The manifest of all that a run left. `files`: titles below {@link STAGED}. */
export const stagedManifest = (files: readonly NamedBlob[], sourceDateEpoch: number): EncodedManifest =>
  encodeArtifact({
    artifactType: STAGED_TYPE,
    files: files.map((file) => ({ ...file, mediaType: BYTES })).toSorted((a, b) => (a.title < b.title ? -1 : 1)),
    sourceDateEpoch,
  });

/** A file of a staged run. `path`: where it belongs, relative, below {@link STAGED}. */
export type StagedFile = { readonly path: string; readonly blob: Descriptor };

const refuse = (message: string): never => {
  throw new ReleaseError("ManifestMismatch", message, "look at the log of the run's publish Job; the run is not used");
};

/**
 * The files that a staged manifest lists. Nothing of them is believed but that the builder's own manifest is among
 * them, by the digest that the build pod told.
 * @throws ReleaseError ManifestMismatch if it is no such manifest, has a path that climbs or is none of a run's, or
 * another build-manifest.json
 */
export function readStaged(bytes: Uint8Array, arch: Arch, manifest: Digest): StagedFile[] {
  let parsed: ArtifactManifest | undefined;
  try {
    parsed = ArtifactManifest.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
  } catch {
    parsed = undefined;
  }
  if (parsed?.artifactType !== STAGED_TYPE) return refuse("what was staged is no run");
  const files = parsed.layers.map((blob): StagedFile => {
    const path = blob.annotations?.[ANNOTATION.title] ?? "";
    try {
      checkedPath(path);
    } catch {
      return refuse(`a staged run has a file at ${JSON.stringify(path.slice(0, 200))}`);
    }
    if (path.startsWith(`${STAGED.out}${arch}/`) || /^logs\/[^/]+$/.test(path)) return { path, blob };
    return refuse(`a staged run of ${arch} has the file ${path}`);
  });
  const paths = files.map(({ path }) => path);
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice !== undefined) return refuse(`a staged run has two files at ${twice}`);
  const own = files.find(({ path }) => path === `${STAGED.out}${manifestPath(arch)}`);
  if (own?.blob.digest !== manifest) {
    return refuse(`the staged build-manifest.json is ${own?.blob.digest ?? "absent"}, the build pod wrote ${manifest}`);
  }
  return files;
}

/** What of any version's manifest says which it is. */
const Versioned = z.looseObject({ schema_version: z.unknown() });

/**
 * The builder's manifest, once its digest was compared.
 * @throws ReleaseError ManifestMismatch if it is none of this version
 */
export function parseBuildManifest(text: string): BuildManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse("build-manifest.json is not JSON");
  }
  const parsed = BuildManifest.safeParse(value);
  if (parsed.success) return parsed.data;
  const version = JSON.stringify(Versioned.safeParse(value).data?.schema_version) ?? "none";
  throw new ReleaseError(
    "ManifestMismatch",
    `build-manifest.json has the schema version ${version.slice(0, 100)}, this imgrel reads version 1: ${z.prettifyError(parsed.error)}`,
    "set the class's builderImage to that of this version of imgrel",
  );
}

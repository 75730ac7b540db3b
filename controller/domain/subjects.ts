import type { ComparedArtifact } from "./comparison.ts";
import type { Subject } from "./statement.ts";

export const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

/** An output file as the subject of a statement. `fsverityDigest` is what `fsverity digest` prints. */
export const artifactSubject = ({ path, sha256, sizeBytes, fsverityDigest }: ComparedArtifact): Subject => ({
  name: path,
  digest: { sha256 },
  annotations: { sizeBytes, fsverityDigest },
});

import { z } from "zod";
import { Digest } from "../../builders/contract/digest.ts";
import { GIT_URL } from "./addresses.ts";
import { ClassSpec } from "./class.ts";
import { text } from "./fields.ts";
import { OBJECT_NAME, RELEASE_NAME } from "./names.ts";
import { API_VERSION, ReleaseSpec } from "./release.ts";
import { CommitId } from "./release-facts.ts";
import { ReleaseStatus } from "./release-status.ts";
import { SourceSpec } from "./source.ts";
import { SourceStatus } from "./source-status.ts";
import type { TextRule } from "./text-rule.ts";

const RELEASE_PATH: TextRule = {
  what: "the path of a release",
  pattern: /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\/release\.yaml$/,
  maxLength: 512,
  form: "write the path from the repository's root, for example specs/demo/release.yaml",
};

const lockDigest = (arch: string) =>
  Digest.meta({ description: `SHA-256 of lock.${arch}.json.`, maxLength: 71 }).exactOptional();

/** spec.source: which file of which commit an object is (release-api.md 1.1). The source sync fills it. */
export const ReleaseOrigin = z
  .strictObject({
    repository: text(GIT_URL, "The repository that holds the file.", "https://git.example/acme/releases.git"),
    commit: CommitId.meta({ description: "The last commit that changed the release's folder.", maxLength: 64 }),
    path: text(RELEASE_PATH, "The file's path in the repository.", "specs/demo/release.yaml"),
    specDigest: Digest.meta({ description: "Digest of the spec and its locks.", maxLength: 71 }),
    lock: z
      .strictObject({ amd64: lockDigest("amd64"), arm64: lockDigest("arm64") })
      .meta({ description: "Digests of the locks beside the file; left out: the release has none." })
      .exactOptional(),
  })
  .meta({ description: "Which file of which commit this is; the source sync fills it, the controller checks it." });

/** What the controller reads of an object's metadata; the rest is the API server's. */
const metadata = (name: z.ZodString) =>
  z.object({
    name,
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    generation: z.int().positive(),
    creationTimestamp: z.string(),
    deletionTimestamp: z.string().exactOptional(),
    finalizers: z.array(z.string()).exactOptional(),
    labels: z.record(z.string(), z.string()).exactOptional(),
    annotations: z.record(z.string(), z.string()).exactOptional(),
  });

const stored = <K extends string, S extends z.ZodType, T extends z.ZodRawShape>(
  kind: K,
  name: TextRule,
  spec: S,
  more: T,
) =>
  z.strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(kind),
    metadata: metadata(text(name, "Name of the object.", "demo")),
    spec,
    ...more,
  });

/** The spec of a DiskImageRelease in a cluster: that of its file, and where the file is. */
export const StoredReleaseSpec = ReleaseSpec.safeExtend({ source: ReleaseOrigin });

/** A DiskImageRelease as the API server has it. */
export const StoredRelease = stored("DiskImageRelease", RELEASE_NAME, StoredReleaseSpec, {
  status: ReleaseStatus.exactOptional(),
});
export type StoredRelease = z.infer<typeof StoredRelease>;

/** A DiskImageReleaseClass as the API server has it, with its defaults filled in. */
export const StoredClass = stored("DiskImageReleaseClass", OBJECT_NAME, ClassSpec, {});
export type StoredClass = z.infer<typeof StoredClass>;

/** A DiskImageReleaseSource as the API server has it, with its defaults filled in. */
export const StoredSource = stored("DiskImageReleaseSource", OBJECT_NAME, SourceSpec, {
  status: SourceStatus.exactOptional(),
});
export type StoredSource = z.infer<typeof StoredSource>;

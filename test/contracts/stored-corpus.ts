import type fc from "fast-check";
import { classCrd } from "../../controller/domain/crds/class-crd.ts";
import type { CustomResource } from "../../controller/domain/crds/custom-resource.ts";
import { releaseCrd } from "../../controller/domain/crds/release-crd.ts";
import { sourceCrd } from "../../controller/domain/crds/source-crd.ts";
import type { Kind } from "../../controller/domain/documents.ts";
import { isRecord, jsonSchemaOf } from "../../controller/domain/json-schema.ts";
import { API_VERSION } from "../../controller/domain/release.ts";
import { StoredClass, StoredRelease, StoredSource } from "../../controller/domain/stored-objects.ts";
import { readYaml } from "../../controller/domain/yaml-document.ts";
import { nearGood } from "../fakes/near-documents.ts";
import { badDocuments, FULL_CLASS, FULL_SOURCE, GOOD_CLASS, GOOD_RELEASE, GOOD_SOURCE } from "./bad-documents.ts";

/** A kind as both sides know it: the zod schema of what is stored, and the CustomResourceDefinition. */
export const STORED_KINDS = {
  DiskImageRelease: { schema: StoredRelease, crd: releaseCrd() },
  DiskImageReleaseClass: { schema: StoredClass, crd: classCrd() },
  DiskImageReleaseSource: { schema: StoredSource, crd: sourceCrd() },
} as const satisfies Record<Kind, { schema: unknown; crd: CustomResource }>;

/** Where the object of a release says it comes from. */
export const ORIGIN = {
  repository: "https://git.example/acme/releases.git",
  commit: "0123456789abcdef0123456789abcdef01234567",
  path: "specs/noble-1/release.yaml",
  specDigest: `sha256:${"0123456789abcdef".repeat(4)}`,
  lock: { amd64: `sha256:${"fedcba9876543210".repeat(4)}` },
} as const;

/** A document as the source sync, or kubectl, sends it to the API server. */
export function objectOf(document: unknown): unknown {
  if (!isRecord(document) || document["kind"] !== "DiskImageRelease" || !isRecord(document["spec"])) return document;
  return { ...document, spec: { source: ORIGIN, ...document["spec"] } };
}

/** The same with the metadata that the API server adds. */
export function storedAs(object: unknown): unknown {
  if (!isRecord(object) || !isRecord(object["metadata"])) return object;
  const added = { uid: "u", resourceVersion: "1", generation: 1, creationTimestamp: "2026-11-26T00:00:00Z" };
  return { ...object, metadata: { namespace: "default", ...object["metadata"], ...added } };
}

/** A document of the corpus. */
export type CorpusDocument = { readonly name: string; readonly kind: Kind; readonly document: unknown };

const valueOf = (text: string): unknown => {
  const result = readYaml(text, "f");
  if (!result.ok) throw new Error(`the corpus holds YAML that cannot be read: ${text}`);
  return result.document.value;
};

/** Documents that imgrel lint accepts, those of the project itself included. */
export const goodDocuments = (release: string): CorpusDocument[] => [
  { name: "the corpus's release", kind: "DiskImageRelease", document: valueOf(GOOD_RELEASE) },
  { name: "specs/demo", kind: "DiskImageRelease", document: valueOf(release) },
  { name: "the corpus's class", kind: "DiskImageReleaseClass", document: valueOf(GOOD_CLASS) },
  { name: "a class with every field", kind: "DiskImageReleaseClass", document: valueOf(FULL_CLASS) },
  { name: "the corpus's source", kind: "DiskImageReleaseSource", document: valueOf(GOOD_SOURCE) },
  { name: "a source with every field", kind: "DiskImageReleaseSource", document: valueOf(FULL_SOURCE) },
];

/** Specs near a good one of a kind, as the source sync or kubectl sends them: some good, some not. */
export const specsNear = (kind: Kind): fc.Arbitrary<unknown> => {
  const good = {
    DiskImageRelease: GOOD_RELEASE,
    DiskImageReleaseClass: FULL_CLASS,
    DiskImageReleaseSource: FULL_SOURCE,
  };
  const { spec } = objectOf(valueOf(good[kind])) as { spec: object };
  return nearGood(spec, jsonSchemaOf(STORED_KINDS[kind].schema.shape.spec));
};

const KIND_OF = {
  release: "DiskImageRelease",
  class: "DiskImageReleaseClass",
  source: "DiskImageReleaseSource",
} as const;

/** Documents that imgrel lint refuses for what they say, not for how the YAML is written. */
export const refusedDocuments = (): CorpusDocument[] =>
  (["release", "class", "source"] as const).flatMap((corpus) =>
    badDocuments(corpus).map(({ name, text }) => ({ name, kind: KIND_OF[corpus], document: valueOf(text) })),
  );

/**
 * Of these only a file is refused. In a cluster a release has a namespace and a status, and metadata is the API server's own
 * matter: it refuses the labels itself.
 */
export const FILES_ONLY: ReadonlySet<string> = new Set([
  "a namespace",
  "a status",
  "a label with a space",
  "a label's value with a space",
  "an annotation with a NUL",
  "a namespace that is a word too many",
]);

/** apiVersion and kind of an object. */
export const typeOf = (kind: Kind) => ({ apiVersion: API_VERSION, kind });

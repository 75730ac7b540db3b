import type { EncodedManifest, NamedBlob } from "../domain/artifact-manifest.ts";
import { ARTIFACT_TYPE } from "../domain/artifact-manifest.ts";
import { artifactTag } from "../domain/artifact-names.ts";
import { ReleaseError } from "../domain/errors.ts";
import type { TargetObservation } from "../domain/observed.ts";
import { type Descriptor, EMPTY_CONFIG, EMPTY_DESCRIPTOR, OCI } from "../domain/oci.ts";
import {
  diskImageManifest,
  documentManifest,
  type EncodedBundle,
  encodeBundle,
  filesManifest,
  imageOf,
  isDiskImage,
} from "../domain/publication.ts";
import { sameStatement, type Statement } from "../domain/statement.ts";
import { type DocumentName, type TargetRef, targetName } from "../domain/target.ts";
import type { ArtifactStore } from "../ports/artifact-store.ts";
import type { BundleVerifier } from "../ports/bundle-verifier.ts";
import type { Signer } from "../ports/signer.ts";
import type { SignedOnce } from "./signed-once.ts";
import { bundlesAbout } from "./stored-documents.ts";

export type TargetPorts = {
  readonly store: ArtifactStore;
  readonly signer: Pick<Signer, "signFile">;
  /** the same for all targets that have statements in common */
  readonly statements: SignedOnce;
  readonly verifier: BundleVerifier;
};

/** What is to be published of a target: known once its arch was reproduced and booted. */
export type TargetContent = {
  readonly files: readonly NamedBlob[];
  /** where a file's bytes are on this machine */
  readonly pathOf: (file: NamedBlob) => string;
  /** what must be signed */
  readonly documents: readonly DocumentName[];
  /** the statement that a document signs, the same whenever it is asked for; null for a signature over the image itself */
  readonly statement: (document: DocumentName) => Statement | null;
  /** seconds since 1970 that manifests carry */
  readonly sourceDateEpoch: number;
};

type Final = { readonly manifest: EncodedManifest; readonly bundles: readonly EncodedBundle[] };

/** Storing, signing and publishing one target. */
export type TargetWork = {
  readonly ref: TargetRef;
  readonly observe: (signal: AbortSignal) => Promise<TargetObservation>;
  readonly stage: (signal: AbortSignal) => Promise<void>;
  readonly sign: (document: DocumentName, signal: AbortSignal) => Promise<void>;
  readonly publish: (signal: AbortSignal) => Promise<void>;
  readonly tag: (signal: AbortSignal) => Promise<void>;
  /** bundles that are signed and stored, by document */
  readonly documents: () => ReadonlyMap<DocumentName, EncodedBundle>;
  /** tag, and the manifest that users pull; null before it is signed */
  readonly publication: () => { readonly tag: string; readonly descriptor: Descriptor } | null;
};

/**
 * @param release name of the release
 * @param content asked at each observation; null as long as it is not known
 */
export function targetWork(
  ports: TargetPorts,
  release: string,
  ref: TargetRef,
  content: () => Promise<TargetContent | null>,
): TargetWork {
  const { store, signer, statements, verifier } = ports;
  const tag = artifactTag(release, ref.arch, ref.variant);
  const documents = new Map<DocumentName, EncodedBundle>();
  const looked = new Set<string>();
  /** what this process signed and attached to the files, by the referrer's digest */
  const own = new Map<string, { readonly document: DocumentName; readonly bundle: EncodedBundle }>();

  let current: TargetContent | null = null;
  const known = (): TargetContent => {
    if (current === null) throw new RangeError(`${targetName(ref)} was not observed to be built`);
    return current;
  };
  const manifests = new WeakMap<TargetContent, EncodedManifest>();
  const files = (): EncodedManifest => {
    const made = manifests.get(known()) ?? filesManifest(known().files, known().sourceDateEpoch);
    manifests.set(known(), made);
    return made;
  };
  /** What users pull, and the bundles among its files; null as long as one of these is not there. */
  const final = (): Final | null => {
    if (!isDiskImage(ref)) return { manifest: files(), bundles: [] };
    const [signature, statement] = [documents.get("image"), documents.get("platform")];
    if (signature === undefined || statement === undefined) return null;
    const manifest = diskImageManifest(ref, known().files, { signature, statement }, known().sourceDateEpoch);
    return { manifest, bundles: [signature, statement] };
  };
  const signed = (): Final => {
    const made = final();
    if (made === null) throw new RangeError(`${targetName(ref)} is not signed yet`);
    return made;
  };
  /** Whether a bundle is this document, by our own signer, about these very bytes and facts. */
  const isOurs = async (document: DocumentName, { bytes }: EncodedBundle, signal: AbortSignal): Promise<boolean> => {
    const wanted = known().statement(document);
    const bundle = new TextDecoder().decode(bytes);
    try {
      if (wanted !== null) return sameStatement((await verifier.verifyStatement(bundle)).statement, wanted);
      await verifier.verifyFile(bundle, known().pathOf(imageOf(known().files)), signal);
      return true;
    } catch (error) {
      if (error instanceof ReleaseError && error.code === "SignatureInvalid") return false; // anybody can attach one
      throw error;
    }
  };
  const recall = async (signal: AbortSignal): Promise<void> => {
    for await (const { referrer, document, bundle } of bundlesAbout(store, files().descriptor, looked, signal, own)) {
      looked.add(referrer);
      const name = known().documents.find((one) => one === document);
      if (name === undefined || documents.has(name)) continue;
      if (own.has(referrer)) {
        documents.set(name, bundle);
        continue;
      }
      if (!(await isOurs(name, bundle, signal))) continue;
      documents.set(name, bundle);
      const said = known().statement(name);
      if (said !== null) statements.remember(said, bundle);
    }
  };
  const signImage = (signal: AbortSignal) => {
    const image = imageOf(known().files);
    return signer.signFile(known().pathOf(image), image.digest.slice("sha256:".length), signal);
  };
  const pushBundle = ({ blob, bytes }: EncodedBundle, signal: AbortSignal) =>
    store.pushBlob({ mediaType: ARTIFACT_TYPE.bundle, ...blob }, { kind: "bytes", bytes }, signal);
  const referrer = (subject: Descriptor, document: DocumentName, bundle: EncodedBundle): EncodedManifest => {
    const { statement, sourceDateEpoch } = known();
    const predicateType = statement(document)?.predicateType ?? null;
    return documentManifest(subject, document, bundle, predicateType, sourceDateEpoch);
  };
  const attach = async (subject: Descriptor, document: DocumentName, bundle: EncodedBundle, signal: AbortSignal) => {
    await pushBundle(bundle, signal);
    return store.pushManifest(OCI.manifest, referrer(subject, document, bundle).bytes, signal);
  };
  /** Statements that users look for beside what they pull; for other targets they are there already. */
  const beside = (): [DocumentName, EncodedBundle][] =>
    isDiskImage(ref) ? [...documents].filter(([name]) => name !== "image" && name !== "platform") : [];

  return {
    ref,
    documents: () => documents,
    publication: () => {
      const made = current === null ? null : final();
      return made === null ? null : { tag, descriptor: made.manifest.descriptor };
    },
    observe: async (signal) => {
      current = await content();
      if (current === null) {
        return { ...ref, staged: false, documents: new Set(), published: false, tag: "absent" };
      }
      const staged = (await store.readManifest(files().descriptor.digest, signal)) !== null;
      if (staged) await recall(signal);
      const manifest = final()?.manifest ?? null;
      const there = manifest === null ? null : await store.readManifest(manifest.descriptor.digest, signal);
      // each by its digest: what others attach does not stand for ours
      const attached = new Set(
        (there === null ? [] : await store.referrers(there.digest, signal)).map((one) => one.digest),
      );
      const whole = beside().every(([document, bundle]) =>
        manifest === null ? false : attached.has(referrer(manifest.descriptor, document, bundle).descriptor.digest),
      );
      const pointsTo = await store.resolveTag(tag, signal);
      return {
        ...ref,
        staged,
        documents: new Set(documents.keys()),
        published: there !== null && whole,
        tag: pointsTo === null ? "absent" : pointsTo === manifest?.descriptor.digest ? "ours" : "other",
      };
    },
    stage: async (signal) => {
      const { pathOf } = known();
      for (const file of known().files) {
        const { digest, size } = file;
        const descriptor = { mediaType: "application/octet-stream", digest, size };
        await store.pushBlob(descriptor, { kind: "file", path: pathOf(file), finished: true }, signal);
      }
      await store.pushBlob(EMPTY_DESCRIPTOR, { kind: "bytes", bytes: EMPTY_CONFIG }, signal);
      await store.pushManifest(OCI.manifest, files().bytes, signal);
    },
    sign: async (document, signal) => {
      const wanted = known().statement(document);
      const bundle = wanted === null ? encodeBundle(await signImage(signal)) : await statements.sign(wanted, signal);
      // stored before anything refers to it: whoever goes on after a crash finds it, and signs nothing anew
      const attached = await attach(files().descriptor, document, bundle, signal);
      own.set(attached, { document, bundle });
    },
    publish: async (signal) => {
      const { manifest, bundles } = signed();
      for (const bundle of bundles) await pushBundle(bundle, signal);
      await store.pushManifest(OCI.manifest, manifest.bytes, signal);
      for (const [document, bundle] of beside()) await attach(manifest.descriptor, document, bundle, signal);
    },
    tag: async (signal) => {
      await store.tag(tag, signed().manifest.descriptor.digest, signal);
    },
  };
}

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, sha256Hex } from "../builders/contract/digest.ts";
import { createFsverity } from "../builders/contract/fsverity.ts";
import { lockDigest, serializeLock } from "../builders/contract/lock.ts";
import { PLAIN } from "../builders/contract/variation.ts";
import { archDocuments } from "../controller/domain/arch-documents.ts";
import { artifactTag } from "../controller/domain/artifact-names.ts";
import { bootName, bootPlan } from "../controller/domain/boot-plan.ts";
import { composeRecord, type RecordedArch } from "../controller/domain/compose-record.ts";
import { EMPTY_CONFIG, EMPTY_DESCRIPTOR, OCI } from "../controller/domain/oci.ts";
import { LOCAL_BUILDER } from "../controller/domain/provenance.ts";
import {
  diskImageManifest,
  encodeBundle,
  type EncodedBundle,
  filesManifest,
} from "../controller/domain/publication.ts";
import { namedFiles, publishedRecord, type RecordParts } from "../controller/domain/record.ts";
import { artifactsOf } from "../controller/domain/record-manifest.ts";
import {
  INDEX_FILE,
  INDEX_STATEMENT_FILE,
  indexStatement,
  nextIndex,
  serializeIndex,
} from "../controller/domain/recorded-releases.ts";
import { readReleaseFolder, releaseDigest } from "../controller/domain/release-folder.ts";
import type { ReleaseFacts } from "../controller/domain/release-facts.ts";
import { releaseStatement, releaseStatementDigest } from "../controller/domain/release-statement.ts";
import type { RunRecord } from "../controller/domain/run-record.ts";
import type { Statement } from "../controller/domain/statement.ts";
import { type DocumentName, documentsFor } from "../controller/domain/target.ts";
import type { ArtifactStore } from "../controller/ports/artifact-store.ts";
import type { Signer } from "../controller/ports/signer.ts";
import { demoSpec } from "./fakes/demo-release.ts";
import { DPKG_STATUS, LOCK, lockedPackage, releaseLock, TOOLCHAIN } from "./fakes/locked-image.ts";
import { STATUS } from "./fakes/release-record.ts";
import { bootFacts, BUILD_MANIFEST } from "./fakes/release-run.ts";

const signal = new AbortController().signal;
const ARCH = "amd64";
const TARGETS = ["kernel-initrd", "raw"] as const;
const EPOCH = 1795392000;
const KERNEL = lockedPackage("linux-image-6.12.48+deb13-amd64", "6.12.48-1", "target");
const DEMO_LOCK = releaseLock([...LOCK.packages, KERNEL]);

/** What the branch of specs holds, by path. */
export const SPEC_FILES: ReadonlyMap<string, string> = new Map([
  [
    "specs/demo/release.yaml",
    demoSpec("", "    - { variant: kernel-initrd, arch: amd64 }\n    - { variant: raw, arch: amd64 }\n"),
  ],
  ["specs/demo/lock.amd64.json", serializeLock(DEMO_LOCK)],
  ["toolchain/lock.amd64.json", serializeLock(TOOLCHAIN)],
]);

/** Files of the run, by path: their content says what they are. */
export const OUTPUT: ReadonlyMap<string, string> = new Map(
  [
    ...["build-manifest.json", "dpkg-status", "root.cfs"],
    ...["kernel-initrd/SHA256SUMS", "kernel-initrd/cmdline", "kernel-initrd/kernel"],
    ...["raw/SHA256SUMS", "raw/installer.img"],
  ].map((path) => [`${ARCH}/${path}`, `${path} of the demo\n`]),
);

const FILES = [...OUTPUT].map(([path, text]) => {
  const verity = createFsverity();
  verity.update(Buffer.from(text));
  const { digest, size } = verity.finish();
  return { path, sha256: sha256Hex(text), sizeBytes: size, fsverityDigest: digest };
});

const DPKG_OF_IMAGE = `${DPKG_STATUS}
Package: ${KERNEL.name}
Status: install ok installed
Maintainer: Kernel <kernel@example.org>
Architecture: amd64
Version: ${KERNEL.version}
Description: kernel
`;

/** What a signer who is trusted may have said wrongly. Names of statements: `release`, `index`, `raw provenance-run-1`. */
export type Lies = {
  readonly statement?: (name: string, statement: Statement) => Statement;
  readonly parts?: (parts: RecordParts<Uint8Array>) => RecordParts<Uint8Array>;
  /** signs one statement in his place */
  readonly signerOf?: (name: string) => Signer;
};

const run = (number: number): RunRecord => ({
  ...{ run: number, variation: PLAIN, logs: [] },
  ...{ startedOn: `2026-11-23T0${number}:00:00Z`, finishedOn: `2026-11-23T0${number}:09:00Z` },
});

const boots = () =>
  Object.fromEntries(
    bootPlan(TARGETS, ARCH).map((planned) => [
      bootName(planned),
      { result: bootFacts(planned.variant, planned.firmware, true).result, serialLog: sha256Hex("serial") },
    ]),
  );

/**
 * A whole release of small files, made by the code that makes real ones: artifacts in `store`, and all files of the
 * branch of records, by path.
 * @param given.folder where the image may be written
 */
export async function makeRelease(given: {
  readonly signer: Signer;
  readonly store: ArtifactStore;
  readonly specCommit: string;
  readonly folder: string;
  readonly lies?: Lies;
}): Promise<ReadonlyMap<string, string>> {
  const { signer, store, specCommit, folder, lies = {} } = given;
  const specFolder = new Map(
    [...SPEC_FILES].flatMap(([path, text]) =>
      path.startsWith("specs/demo/") ? [[path.slice("specs/demo/".length), Buffer.from(text)] as const] : [],
    ),
  );
  const spec = readReleaseFolder("demo", "specs/demo", specFolder);
  const release: ReleaseFacts = {
    ...{ name: "demo", version: spec.release.spec.version, branch: "main", specCommit },
    ...{ repository: "git+file:repository.git", specDigest: releaseDigest(spec) },
  };
  const sign = (name: string, statement: Statement) =>
    (lies.signerOf?.(name) ?? signer).signStatement(lies.statement?.(name, statement) ?? statement, signal);
  const documents = archDocuments({
    ...{ release, arch: ARCH, sourceDateEpoch: EPOCH, lock: DEMO_LOCK, toolchain: TOOLCHAIN, baseImage: null },
    ...{
      imgrel: { version: "0.1.0", commit: null },
      builder: { id: LOCAL_BUILDER, version: {}, image: null },
      builderImage: null,
    },
    invocationId: ({ run: number }) => `local:demo/run-${number}`,
    ...{ files: FILES, runs: [run(1), run(2)], boots: boots(), dpkgStatus: DPKG_OF_IMAGE },
    ...{ rootImage: BUILD_MANIFEST.root_image.sha256, repository: store.name },
    targets: TARGETS.map((variant) => ({ variant, platformName: null, firmwareRef: null })),
  });
  const push = ({ blob, bytes }: EncodedBundle) =>
    store.pushBlob({ mediaType: "application/octet-stream", ...blob }, { kind: "bytes", bytes }, signal);
  await store.pushBlob(EMPTY_DESCRIPTOR, { kind: "bytes", bytes: EMPTY_CONFIG }, signal);

  const targets: RecordedArch["targets"][number][] = [];
  for (const variant of TARGETS) {
    const bundles = new Map<DocumentName, EncodedBundle>();
    for (const document of documentsFor({ arch: ARCH, variant }, { runs: 2, booted: true })) {
      const statement = documents.statement(variant, document);
      if (statement !== null) bundles.set(document, encodeBundle(await sign(`${variant} ${document}`, statement)));
    }
    const below = `${ARCH}/${variant}/`;
    const own = [...OUTPUT].filter(([path]) => path.startsWith(below));
    const blobs = own.map(([path, text]) => ({ title: path.slice(below.length), ...encodeBundle(text).blob }));
    for (const [, text] of own) await push(encodeBundle(text));
    let { bytes, descriptor } = filesManifest(blobs, EPOCH);
    if (variant === "raw") {
      const image = join(folder, "installer.img");
      const text = OUTPUT.get(`${below}installer.img`) ?? "";
      await writeFile(image, text);
      const by = lies.signerOf?.("raw image") ?? signer;
      const signature = encodeBundle(await by.signFile(image, sha256Hex(text), signal));
      const statement = bundles.get("platform") ?? encodeBundle("");
      for (const bundle of [signature, statement]) await push(bundle);
      ({ bytes, descriptor } = diskImageManifest({ arch: ARCH, variant }, blobs, { signature, statement }, EPOCH));
    }
    await store.pushManifest(OCI.manifest, bytes, signal);
    const tag = artifactTag("demo", ARCH, variant);
    await store.tag(tag, descriptor.digest, signal);
    const oci = { reference: `${store.name}:${tag}`, digest: descriptor.digest };
    targets.push({ variant, oci, layout: null, documents: bundles });
  }
  const composed = composeRecord(
    release,
    EPOCH,
    [
      {
        manifest: { ...BUILD_MANIFEST, lock_digest: lockDigest(DEMO_LOCK) },
        ...{ lock: DEMO_LOCK, toolchain: TOOLCHAIN, files: FILES, runs: 2, booted: true, targets },
        inputs: { reference: "local/inputs:inputs-1", digest: digestOf("inputs") },
        ...{ spdx: documents.spdx, cyclonedx: documents.cyclonedx },
      },
    ],
    signer.identity,
  );
  const parts = lies.parts?.(composed) ?? composed;
  const named = namedFiles(parts);
  const statement = releaseStatement(parts.manifest.release, artifactsOf(parts.manifest), named);
  const bundle = await sign("release", statement);
  const releaseDigestOf = releaseStatementDigest(statement);
  const status = {
    ...STATUS,
    ...{ specCommit, specDigest: release.specDigest, published: { releaseDigest: releaseDigestOf } },
    targets: targets.map(({ variant, oci }) => ({ arch: ARCH, variant, published: oci }) as const),
  };
  const index = nextIndex(null, {
    ...{ name: "demo", version: release.version, specCommit },
    releaseDigest: releaseDigestOf,
  });
  return new Map([
    ...[...publishedRecord(named, bundle, status)].map(
      ([path, text]) => [`records/demo/${path}`, Buffer.from(text).toString()] as const,
    ),
    [INDEX_FILE, serializeIndex(index)],
    [INDEX_STATEMENT_FILE, await sign("index", indexStatement(index))],
  ]);
}

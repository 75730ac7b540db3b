import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { demoDigest, fakeArtifactStore } from "../../test/fakes/artifact-store.ts";
import { demoHash, fakeSigning } from "../../test/fakes/signer.ts";
import { bundleReferrer } from "../domain/artifact-manifest.ts";
import { ArtifactManifest, EMPTY_DESCRIPTOR, OCI } from "../domain/oci.ts";
import { type Statement, STATEMENT_TYPE } from "../domain/statement.ts";
import { type DocumentName, documentsFor, type TargetRef } from "../domain/target.ts";
import { signedOnce } from "./signed-once.ts";
import { type TargetContent, targetWork } from "./target-work.ts";

const signal = new AbortController().signal;
const RAW: TargetRef = { arch: "amd64", variant: "raw" };
const KERNEL: TargetRef = { arch: "amd64", variant: "kernel-initrd" };
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "target-"));
  for (const name of ["installer.img", "kernel", "SHA256SUMS"]) await writeFile(join(folder, name), name);
});
afterAll(() => rm(folder, { recursive: true }));

const statement = (ref: TargetRef, document: DocumentName): Statement => ({
  _type: STATEMENT_TYPE,
  subject: [{ name: ref.variant, digest: { sha256: demoHash(ref.variant) } }],
  predicateType: `https://example/${document}`,
  predicate: {},
});

const contentOf = (ref: TargetRef): TargetContent => ({
  files: (ref === RAW ? ["installer.img", "SHA256SUMS"] : ["kernel", "SHA256SUMS"]).map((title) => ({
    ...{ title, digest: demoDigest(title), size: title.length },
  })),
  pathOf: ({ title }) => join(folder, title),
  documents: documentsFor(ref, { runs: 2, booted: true }),
  statement: (document) => (document === "image" ? null : statement(ref, document)),
  sourceDateEpoch: 0,
});

const portsOf = (store: ReturnType<typeof fakeArtifactStore>, signing = fakeSigning()) => ({
  ...{ store: store.store, ...signing, statements: signedOnce(signing.signer) },
});

function given(ref: TargetRef, shared = { store: fakeArtifactStore(), signing: fakeSigning() }) {
  const { store, signing } = shared;
  const work = targetWork(portsOf(store, signing), "demo", ref, async () => contentOf(ref));
  return { work, ...shared };
}

/** Everything up to the tag, as decide would have it. */
async function release({ work }: ReturnType<typeof given>): Promise<void> {
  await work.observe(signal);
  await work.stage(signal);
  await work.observe(signal);
  for (const document of contentOf(work.ref).documents) await work.sign(document, signal);
  await work.observe(signal);
  await work.publish(signal);
  await work.tag(signal);
}

const pulled = async ({ work, store }: ReturnType<typeof given>) => {
  const digest = (await store.store.resolveTag(`demo-amd64-${work.ref.variant}`, signal)) ?? "";
  const stored = await store.store.readManifest(digest, signal);
  const manifest = ArtifactManifest.parse(JSON.parse(new TextDecoder().decode(stored?.bytes)));
  const titles = manifest.layers.map(({ annotations }) => annotations?.["org.opencontainers.image.title"]);
  const referrers = await store.store.referrers(digest, signal);
  return {
    digest,
    titles,
    types: referrers.map(({ annotations }) => annotations?.["dev.sigstore.bundle.predicateType"]),
  };
};

describe("work on a target", () => {
  it("does and observes nothing before there is something to publish", async () => {
    const store = fakeArtifactStore();
    const work = targetWork(portsOf(store), "demo", RAW, async () => null);
    expect(await work.observe(signal)).toMatchObject({ staged: false, published: false, tag: "absent" });
    expect(work.publication()).toBeNull();
    await expect(work.stage(signal)).rejects.toThrow(RangeError);
    expect(store.writes).toEqual([]);
  });

  it("publishes a disk image as the platform ingests it, statements beside it", async () => {
    const one = given(RAW);
    await release(one);
    const { titles, types, digest } = await pulled(one);
    expect(titles).toEqual(["installer.img", "installer.cosign-bundle", "installer.attestation-bundle"]);
    expect(new Set(types)).toEqual(
      new Set(
        ["provenance-run-1", "provenance-run-2", "sbom", "tests"].map((document) => `https://example/${document}`),
      ),
    );
    expect(one.work.publication()?.descriptor.digest).toBe(digest);
    expect(await one.work.observe(signal)).toMatchObject({ staged: true, published: true, tag: "ours" });
  });

  it("publishes every other target as its files, all bundles beside them", async () => {
    const one = given(KERNEL);
    await release(one);
    const { titles, types } = await pulled(one);
    expect(titles).toEqual(["SHA256SUMS", "kernel"]);
    expect(types.length).toBe(4);
  });

  it("tags nothing before it is signed", async () => {
    const one = given(RAW);
    await one.work.observe(signal);
    await one.work.stage(signal);
    await expect(one.work.publish(signal)).rejects.toThrow("not signed");
    await expect(one.work.tag(signal)).rejects.toThrow("not signed");
    expect(one.store.tags.size).toBe(0);
  });

  it("is gone on with by another process from wherever it ended, and nothing is signed or published twice", async () => {
    const whole = given(RAW);
    await release(whole);
    for (let cut = 0; cut < whole.store.writes.length; cut += 1) {
      const shared = { store: fakeArtifactStore(), signing: fakeSigning() };
      const first = given(RAW, shared);
      const { pushBlob, pushManifest, tag } = shared.store.store;
      const stop =
        <A extends unknown[], R>(act: (...args: A) => Promise<R>) =>
        async (...args: A): Promise<R> => {
          if (shared.store.writes.length >= cut) throw new Error("power cut");
          return act(...args);
        };
      Object.assign(shared.store.store, { pushBlob: stop(pushBlob), pushManifest: stop(pushManifest), tag: stop(tag) });
      await expect(release(first)).rejects.toThrow("power cut");
      Object.assign(shared.store.store, { pushBlob, pushManifest, tag });
      const kept = await given(RAW, shared).work.observe(signal);
      const second = given(RAW, shared);
      const signedBefore = shared.signing.signed.length;
      await second.work.observe(signal);
      if (!kept.staged) await second.work.stage(signal);
      const seen = await second.work.observe(signal);
      const missing = contentOf(RAW).documents.filter((document) => !seen.documents.has(document));
      for (const document of missing) await second.work.sign(document, signal);
      expect(shared.signing.signed.length - signedBefore).toBe(missing.length);
      await second.work.observe(signal);
      await second.work.publish(signal);
      await second.work.tag(signal);
      const third = await given(RAW, shared).work.observe(signal);
      expect(third, `after ${cut} writes`).toMatchObject({ published: true, tag: "ours" });
      expect(shared.store.tags.size).toBe(1);
    }
  });

  it("finds its own bundles listed, and does not read them back", async () => {
    const { store } = fakeArtifactStore();
    const blobs: string[] = [];
    const readBlob: typeof store.readBlob = (descriptor, read, stop) => {
      blobs.push(descriptor.digest);
      return store.readBlob(descriptor, read, stop);
    };
    const signing = fakeSigning();
    const ports = { ...signing, store: { ...store, readBlob }, statements: signedOnce(signing.signer) };
    const work = targetWork(ports, "demo", KERNEL, async () => contentOf(KERNEL));
    await work.observe(signal);
    await work.stage(signal);
    for (const document of contentOf(KERNEL).documents) await work.sign(document, signal);
    expect((await work.observe(signal)).documents).toEqual(new Set(contentOf(KERNEL).documents));
    expect(blobs).toEqual([]);
  });

  it("takes no document that somebody else signed, or that says something else", async () => {
    const shared = { store: fakeArtifactStore(), signing: fakeSigning() };
    await release(given(KERNEL, { store: shared.store, signing: fakeSigning("mallory") }));
    const mine = given(KERNEL, shared);
    expect((await mine.work.observe(signal)).documents.size).toBe(0);
    const other = targetWork(portsOf(shared.store, shared.signing), "demo", KERNEL, async () => ({
      ...contentOf(KERNEL),
      statement: (document) => ({ ...statement(KERNEL, document), predicate: { other: true } }),
    }));
    await other.observe(signal);
    await other.sign("sbom", signal);
    expect((await given(KERNEL, shared).work.observe(signal)).documents.size).toBe(0);
  });

  it("is not published as long as one of its own statements is missing, whatever others attached", async () => {
    const one = given(RAW);
    await release(one);
    const { digest } = await pulled(one);
    const [lost] = await one.store.store.referrers(digest, signal);
    const subject = one.work.publication()?.descriptor;
    if (lost === undefined || subject === undefined) throw new Error("nothing is published");
    const { digest: empty, size } = EMPTY_DESCRIPTOR;
    const foreign = bundleReferrer(subject, { title: "foreign", digest: empty, size }, 0);
    await one.store.store.pushManifest(OCI.manifest, foreign.bytes, signal);
    one.store.manifests.delete(lost.digest);
    expect((await one.work.observe(signal)).published).toBe(false);
    await one.work.publish(signal);
    expect((await one.work.observe(signal)).published).toBe(true);
  });

  it("has the statement that it shares with another target under one signature, also after a crash", async () => {
    const { store, signing } = { store: fakeArtifactStore(), signing: fakeSigning() };
    const shared = statement(RAW, "sbom");
    const begin = (ports: ReturnType<typeof portsOf>) =>
      [RAW, KERNEL].map((ref) =>
        targetWork(ports, "demo", ref, async () => {
          const content = contentOf(ref);
          return { ...content, statement: (document) => (document === "sbom" ? shared : content.statement(document)) };
        }),
      );
    const observe = (works: ReturnType<typeof begin>) => Promise.all(works.map((work) => work.observe(signal)));
    const [raw, ...others] = begin(portsOf(store, signing));
    if (raw === undefined) throw new Error("unreachable");
    await observe([raw, ...others]);
    await raw.stage(signal);
    await raw.sign("sbom", signal);
    const again = begin(portsOf(store, signing)); // another process
    await observe(again);
    for (const work of again) await work.stage(signal);
    await again[1]?.sign("sbom", signal);
    await observe(again);
    const [first, second] = again.map((work) => work.documents().get("sbom"));
    expect(first).toBeDefined();
    expect(second).toBe(first);
    expect(signing.signed).toEqual([shared.predicateType]);
  });

  it("says that a tag points to something else", async () => {
    const one = given(KERNEL);
    await release(one);
    one.store.tags.set("demo-amd64-kernel-initrd", demoDigest("other"));
    expect((await one.work.observe(signal)).tag).toBe("other");
    await expect(one.work.tag(signal)).rejects.toMatchObject({ code: "TagConflict" });
  });
});

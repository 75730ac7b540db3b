import { describe, expect, it } from "vitest";
import { digestOf, sha256Hex } from "../../builders/contract/digest.ts";
import { requirePolicy } from "../../controller/domain/policy-file.ts";
import { policyChecks, verificationVerdict } from "../../controller/domain/verification.ts";
import { serializeStatus } from "../../controller/domain/record-status.ts";
import { fakeArtifactStore } from "../fakes/artifact-store.ts";
import { FAILED_STATUS } from "../fakes/release-record.ts";
import { type Case, COMMIT, edit, folder, other, ours, policyText, verify } from "../verification-case.ts";
import { makeRelease, OUTPUT } from "../verifiable-release.ts";

/** Changes the payload of a bundle, its signature stays. */
const payload = (change: (text: string) => string) => (text: string) => {
  const bundle = JSON.parse(text) as { dsseEnvelope: { payload: string } };
  const before = Buffer.from(bundle.dsseEnvelope.payload, "base64").toString();
  bundle.dsseEnvelope.payload = Buffer.from(change(before)).toString("base64");
  return `${JSON.stringify(bundle)}\n`;
};
const signature = (text: string) =>
  text.replace(/"sig":"(..)/, (_, start: string) => `"sig":"${start === "ME" ? "MF" : "ME"}`);

const RELEASE = "records/demo/release.sigstore.json";
const RUN_2 = "records/demo/provenance/amd64/raw.run-2.sigstore.json";
const STRANGER = { lies: { signerOf: (name: string) => (name === "raw provenance-run-2" ? other : ours) } };

describe("a release that is as it says", () => {
  it("passes every check", async () => {
    const { checks, index } = await verify();
    expect(checks.filter(({ result }) => result !== "PASS")).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual([
      ...[
        "record",
        "signature",
        "index",
        "spec",
        "provenance",
        "inputs",
        "rebuilds",
        "quorum",
        "tests",
        "sbom",
        "artifacts",
      ],
    ]);
    expect(verificationVerdict(checks, false)).toBe("verified");
    expect(index).toMatchObject({ owner: { keySha256: ours.identity.keySha256 }, seen: { version: 1 } });
  });
  it("is incomplete without artifacts, and whole with one that its user has", async () => {
    const none = await verify({ given: { store: null } });
    expect(verificationVerdict(none.checks, false)).toBe("incomplete");
    const path = "amd64/raw/installer.img";
    const sha256 = sha256Hex(OUTPUT.get(path) ?? "");
    const digest = (fsverityDigest: string) => [{ path: "my.img", sha256, sizeBytes: 30, fsverityDigest }];
    const own = await verify({ given: { store: null, files: digest(digestOf("other")) } });
    expect(own.failed).toEqual(["artifacts"]);
    expect(own.whys).toMatch(/sizeBytes|fsverityDigest/);
    const foreign = [{ path: "x.img", sha256: sha256Hex("x"), sizeBytes: 1, fsverityDigest: digestOf("x") }];
    expect((await verify({ given: { store: null, files: foreign } })).whys).toContain("is no file of the release");
  });
  it("is incomplete where its toolchain's lock is not in the repository", async () => {
    const { checks } = await verify({ specs: (files) => files.delete("toolchain/lock.amd64.json") });
    expect(checks.find(({ name }) => name === "inputs")).toMatchObject({ result: "SKIP", required: true });
    expect(verificationVerdict(checks, false)).toBe("incomplete");
  });
  it("is incomplete under a policy that asks for what a key cannot show", () => {
    const policy = requirePolicy(policyText().replace("tlog: optional", "tlog: required"), "policy.yaml");
    const checks = policyChecks(policy, { file: "p", sha256: "0", selfAsserted: false });
    expect(verificationVerdict(checks, false)).toBe("incomplete");
  });
});

describe("what anybody can change fails, and says why", () => {
  it.each<[what: string, change: () => Case, check: string, why: RegExp]>([
    // what anybody can do to the repository
    ["a signature's byte", () => edit(RELEASE, signature), "signature", /does not fit/],
    [
      "the payload's byte",
      () =>
        edit(
          RELEASE,
          payload((text) => text.replace('"purl"', '"purm"')),
        ),
      "record",
      /purl/,
    ],
    [
      "a bundle v0.1",
      () => edit(RELEASE, (text) => text.replace("bundle.v0.3+json", "bundle+json;version=0.1")),
      "signature",
      /older form/,
    ],
    [
      "a name that stands twice in the bundle",
      () => edit(RELEASE, (text) => text.replace('{"dsseEnvelope"', '{"mediaType":"x","dsseEnvelope"')),
      "signature",
      /stands twice/,
    ],
    ["a file less", () => ({ tamper: (files) => files.delete(RUN_2) }), "record", /raw.run-2.*is missing/],
    ["a file more", () => ({ tamper: (files) => files.set("records/demo/x", "") }), "record", /no file of a record/],
    [
      "a run more",
      () => ({ tamper: (files) => files.set(RUN_2.replace("run-2", "run-3"), files.get(RUN_2) ?? "") }),
      "record",
      /has 2 runs/,
    ],
    ["another provenance", () => edit(RUN_2, signature), "record", /has SHA-256/],
    [
      "a bill of materials",
      () => edit("records/demo/sbom/amd64.spdx.json", (text) => text.replace("libc6", "libc7")),
      "record",
      /has SHA-256/,
    ],
    [
      "a revocation",
      () => ({ tamper: (files) => files.set("records/demo/revocation.sigstore.json", "{}") }),
      "record",
      /revoked/,
    ],
    [
      "a failure in the record's place",
      () => ({
        tamper: (files) => {
          for (const path of files.keys()) if (path.startsWith("records/demo/")) files.delete(path);
          files.set("records/demo/status.yaml", serializeStatus(FAILED_STATUS));
        },
      }),
      "record",
      /^demo was not released: NotReproducible: amd64: runs 1 and 2 differ$/,
    ],
    ["no record at all", () => ({ given: { name: "demo2" } }), "record", /no such record/],
    ["a name that climbs", () => ({ given: { name: "../demo" } }), "record", /path|name/],
    // the index
    ["an index's signature", () => edit("records/index.sigstore.json", signature), "index", /does not fit/],
    [
      "an index with another version",
      () => edit("records/index.json", (text) => text.replace('"version": 1', '"version": 2')),
      "index",
      /not about this index/,
    ],
    [
      "an index older than asked for",
      () => ({ given: { minIndexVersion: 2 } }),
      "index",
      /older than 2, which is asked for/,
    ],
    [
      "an index older than was seen",
      () => ({ seen: { schemaVersion: 1, version: 2, digest: digestOf("x") } }),
      "index",
      /older than 2, which was seen/,
    ],
    [
      "another index of the version that was seen",
      () => ({ seen: { schemaVersion: 1, version: 1, digest: digestOf("x") } }),
      "index",
      /of this version that was seen before is another/,
    ],
    // who signs
    ["a policy of another key", () => ({ policy: policyText(other) }), "signature", /which the policy does not name/],
    [
      "a policy of identities",
      () => ({
        policy: policyText().replace(
          /mode: key\n[^]*?-----END PUBLIC KEY-----\n/,
          'mode: keyless\n    issuer: "https://oidc.example"\n    san: "https://oidc.example/a"\n',
        ),
      }),
      "signature",
      /which the policy does not name/,
    ],
    [
      "a key whose time is over",
      () => ({ policy: policyText().replace("    operator", '    validUntil: "2020-01-01T00:00:00Z"\n    operator') }),
      "signature",
      /was valid until/,
    ],
    ["a run by a stranger", () => STRANGER, "provenance", /which the policy does not name/],
    [
      "an image signed by a stranger",
      () => ({ lies: { signerOf: (name) => (name === "raw image" ? other : ours) } }),
      "artifacts",
      /which the policy does not name/,
    ],
  ])("%s", async (_, change, check, why) => {
    const { failed, whys } = await verify(change());
    expect(whys).toMatch(why);
    expect(failed[0]).toBe(check);
  });

  it.each([
    ["a tag", { resolveTag: async () => null }, /points to nothing/],
    ["a manifest", { readManifest: async () => null }, /has no manifest/],
  ] as const)("%s that is gone", async (_, gone, why) => {
    const { store } = fakeArtifactStore("local/images");
    await makeRelease({ signer: ours, store, specCommit: COMMIT, folder });
    const { failed, whys } = await verify({ given: { store: { ...store, ...gone } } });
    expect(failed).toEqual(["artifacts"]);
    expect(whys).toMatch(why);
  });
});

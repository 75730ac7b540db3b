import { beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { unverifiedStatement } from "../../controller/domain/bundle-statement.ts";
import type { Statement } from "../../controller/domain/statement.ts";
import type { Signer } from "../../controller/ports/signer.ts";
import { fakeArtifactStore } from "../fakes/artifact-store.ts";
import { COMMIT, folder, other, ours, policyText, verify } from "../verification-case.ts";
import { makeRelease } from "../verifiable-release.ts";

// What operator b, whose key is `other`, made of the release; the policy believes both.
const BUILDER = "https://b.example/imgrel@v1";
type Requirements = { minBuilds?: number; minOperators?: number };

const policy = (requirements: Requirements = { minOperators: 2 }, more: object = {}): string => {
  const read = (signer: Signer) => parse(policyText(signer)) as { signers: object[]; requirements: object };
  const local = read(ours);
  const b = { ...read(other).signers[0], id: "rebuilder", operator: "b", builderIds: [BUILDER] };
  return stringify({
    ...local,
    ...{ signers: [...local.signers, b], requirements: { ...local.requirements, ...requirements }, ...more },
  });
};

type Rebuilt = {
  subject: Statement["subject"];
  predicateType: string;
  predicate: {
    buildDefinition: {
      buildType: string;
      externalParameters: Record<string, string>;
      resolvedDependencies: { name: string; digest: Record<string, string>; downloadLocation?: string }[];
    };
    runDetails: { builder: { id: string }; metadata: { invocationId: string } };
  };
};

/** The release's own runs, as it signs them. */
let own: ReadonlyMap<string, string>;
beforeAll(async () => {
  const { store } = fakeArtifactStore("local/images");
  own = await makeRelease({ signer: ours, store, specCommit: COMMIT, folder });
});
const ownRun = (variant: string, run = 1): string =>
  own.get(`records/demo/provenance/amd64/${variant}.run-${run}.sigstore.json`) ?? expect.unreachable();

/** A run of b's: the same build elsewhere, but for what `change` does to it. */
async function rebuild(
  variant: string,
  change: (statement: Rebuilt) => void = () => undefined,
  signer = other,
): Promise<string> {
  const statement = structuredClone(unverifiedStatement("own", ownRun(variant)));
  const rebuilt = statement as unknown as Rebuilt;
  rebuilt.predicate.runDetails.builder.id = BUILDER;
  rebuilt.predicate.runDetails.metadata.invocationId = "b:1";
  change(rebuilt);
  return signer.signStatement(statement, new AbortController().signal);
}

const at = (variant: string, operator = "b", run = 1) =>
  `rebuilds/demo/${operator}/provenance/amd64/${variant}.run-${run}.sigstore.json`;

/** Verifies the release beside what stands in `rebuilds/`. */
async function verifyBeside(files: Readonly<Record<string, string>>, given = policy()) {
  const tamper = (all: Map<string, string>) => Object.entries(files).forEach(([path, text]) => all.set(path, text));
  const { checks, failed, whys } = await verify({ policy: given, tamper });
  return { failed, whys, said: checks.find(({ name }) => name === "rebuilds")?.why ?? "" };
}

/** Both targets, the second one changed. */
const both = async (change?: (statement: Rebuilt) => void, signer?: Signer) => ({
  [at("kernel-initrd")]: await rebuild("kernel-initrd"),
  [at("raw")]: await rebuild("raw", change, signer),
});
const MISSING = /amd64\/raw: has 1 operators, the policy asks for 2/;

describe("rebuilds", () => {
  it("are not there: the policy may ask for none", async () => {
    expect((await verifyBeside({}, policy({}))).failed).toEqual([]);
    const { failed, whys, said } = await verifyBeside({});
    expect([failed, said]).toEqual([["quorum"], "none counts"]);
    expect(whys).toContain("has 1 operators");
  });
  it("of every target make a quorum of operators and of runs", async () => {
    const { failed, whys, said } = await verifyBeside(await both());
    expect(failed, whys).toEqual([]);
    expect(said).toBe("2 runs by 1 operators have the same bytes");
    expect((await verifyBeside(await both(), policy({ minBuilds: 3 }))).failed).toEqual([]);
    expect((await verifyBeside(await both(), policy({ minBuilds: 4 }))).whys).toContain(
      "has 3 runs, the policy asks for 4",
    );
  });
  it("of one target are none of another", async () => {
    const { failed, whys } = await verifyBeside({ [at("kernel-initrd")]: await rebuild("kernel-initrd") });
    expect(failed).toEqual(["quorum"]);
    expect(whys).toMatch(MISSING);
  });
  it("may have got their packages from elsewhere", async () => {
    const files = await both(({ predicate }) => {
      for (const one of predicate.buildDefinition.resolvedDependencies) one.downloadLocation = "https://b.example/x";
    });
    expect((await verifyBeside(files)).failed).toEqual([]);
  });

  it.each<[what: string, change: (statement: Rebuilt) => void, why: RegExp]>([
    [
      "names another builder",
      ({ predicate }) => (predicate.runDetails.builder.id = "https://imgrel.example/builders/local@v1"),
      /names a builder that is not its signer's/,
    ],
    [
      "is of another release",
      ({ predicate }) => (predicate.buildDefinition.externalParameters["release"] = "demo2"),
      /is about something else/,
    ],
    [
      "is of another target",
      ({ predicate }) => (predicate.buildDefinition.externalParameters["variant"] = "kernel-initrd"),
      /is about something else/,
    ],
    [
      "is made in another way",
      ({ predicate }) => (predicate.buildDefinition.buildType = "https://example/x"),
      /is no provenance of ours/,
    ],
    ["says something else", (statement) => (statement.predicateType = "https://example/x"), /is no provenance of ours/],
    [
      "is of other packages",
      ({ predicate }) => {
        const deb = predicate.buildDefinition.resolvedDependencies.find(({ name }) => name === "deb");
        if (deb !== undefined) deb.digest = { sha256: sha256Hex("other") };
      },
      /was made from other inputs/,
    ],
    [
      "is of fewer packages",
      ({ predicate }) => predicate.buildDefinition.resolvedDependencies.pop(),
      /was made from other inputs/,
    ],
    [
      "names a run of the release's own",
      ({ predicate }) => (predicate.runDetails.metadata.invocationId = "local:demo/run-1"),
      /names a known run/,
    ],
  ])("one that %s does not count, and harms nothing", async (_, change, why) => {
    const { failed, whys, said } = await verifyBeside(await both(change));
    expect(said).toMatch(why);
    expect(failed).toEqual(["quorum"]);
    expect(whys).toMatch(MISSING);
    expect((await verifyBeside(await both(change), policy({}))).failed).toEqual([]);
  });

  it.each<[what: string, files: () => Promise<Record<string, string>>, why: RegExp]>([
    ["signed by its operator's rival", () => both(undefined, ours), /names a builder that is not its signer's/],
    ["that is no bundle", async () => ({ ...(await both()), [at("raw")]: "{}\n" }), /signed by nobody whom/],
    [
      "whose bytes were changed",
      async () => {
        const files = await both();
        const text = files[at("raw")] ?? "";
        return { ...files, [at("raw")]: text.replace(/"sig":"(..)/, (_, a) => `"sig":"${a === "ME" ? "MF" : "ME"}`) };
      },
      /signed by nobody whom/,
    ],
    [
      "in another operator's folder",
      async () => ({
        [at("kernel-initrd")]: await rebuild("kernel-initrd"),
        [at("raw", "c")]: await rebuild("raw"),
      }),
      /c\/.* is by b/,
    ],
    [
      "copied out of the record",
      async () => ({ ...(await both()), [at("raw")]: ownRun("raw"), [at("raw", "local")]: ownRun("raw") }),
      /raw\.run-1\.sigstore\.json is by local, local\/.* names a known run/,
    ],
    [
      "of a target that is not released",
      async () => ({ ...(await both()), [at("raw")]: "{}", [at("qcow2")]: await rebuild("raw") }),
      /qcow2.* is about something else/,
    ],
  ])("one %s does not count, and harms nothing", async (_, files, why) => {
    const { failed, whys, said } = await verifyBeside(await files());
    expect(said).toMatch(why);
    expect(failed).toEqual(["quorum"]);
    expect(whys).toMatch(MISSING);
  });

  it("count each run once", async () => {
    const twice = { ...(await both()), [at("raw", "b", 2)]: await rebuild("raw") };
    const { said, whys } = await verifyBeside(twice, policy({ minBuilds: 4 }));
    expect(said).toMatch(/^2 runs by 1 operators have the same bytes; not counted: b\/.*run-2.* names a known run$/);
    expect(whys).toContain("has 3 runs, the policy asks for 4");
  });
  it("are told as far as they fit on a line", async () => {
    const files = Object.fromEntries([1, 2, 3, 4, 5].map((run) => [at("raw", "b", run), "{}"]));
    expect((await verifyBeside(files, policy({}))).said).toMatch(/, and 2 more$/);
  });
});

describe("a rebuild with other bytes, signed by an operator who is believed", () => {
  const changed = (statement: Rebuilt) => {
    statement.subject = statement.subject.map((one) =>
      one.name.endsWith(".img") ? { ...one, digest: { sha256: sha256Hex("x") } } : one,
    );
  };
  it("fails the release, whatever the quorum", async () => {
    const { failed, whys } = await verifyBeside(await both(changed), policy({}));
    expect(failed).toEqual(["rebuilds"]);
    expect(whys).toMatch(/rebuilds\/demo\/b\/.*raw.*b made other bytes: amd64\/raw\/installer\.img has SHA-256/);
  });
  it("fails it in whatever folder it lies", async () => {
    const files = { [at("raw", "c")]: await rebuild("raw", changed) };
    expect((await verifyBeside(files, policy({}))).failed).toEqual(["rebuilds"]);
  });
  it("fails it for a file less", async () => {
    const files = await both((statement) => (statement.subject = statement.subject.slice(1)));
    expect((await verifyBeside(files, policy({}))).whys).toMatch(/b made other bytes: amd64\/\S+ is missing/);
  });
  it("may be waived by the policy, for that release and operator only; it counts for nothing then", async () => {
    const waived = (release: string, operator: string) => ({ waivers: [{ release, operator, why: "a broken disk" }] });
    const { failed, said } = await verifyBeside(await both(changed), policy({}, waived("demo", "b")));
    expect(failed).toEqual([]);
    expect(said).toMatch(/^1 runs by 1 operators .*raw.* has other bytes, which the policy waives$/);
    expect((await verifyBeside(await both(changed), policy(undefined, waived("demo", "b")))).failed).toEqual([
      "quorum",
    ]);
    for (const others of [waived("demo2", "b"), waived("demo", "local")]) {
      expect((await verifyBeside(await both(changed), policy({}, others))).failed).toEqual(["rebuilds"]);
    }
  });
});

describe("the commit that last touched the spec", () => {
  const SIGNERS = "alice@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA\n";
  const asking = () => policy({}, { specSigners: SIGNERS });
  it("must be signed by one of those whom the policy names", async () => {
    const asked: string[] = [];
    const { checks, failed } = await verify({
      policy: asking(),
      signature: (allowed) => {
        asked.push(allowed);
        return { good: true, principal: "alice@example.org", fingerprint: "SHA256:x" };
      },
    });
    expect(failed).toEqual([]);
    expect(asked).toEqual([SIGNERS]);
    expect(checks.find(({ name }) => name === "approval")).toMatchObject({
      ...{ result: "PASS", required: true },
      why: `commit ${COMMIT}, the last one to touch the spec, is signed by alice@example.org`,
    });
  });
  it("fails the release otherwise", async () => {
    const { failed, whys } = await verify({
      policy: asking(),
      signature: () => ({ good: false, why: "it is not signed" }),
    });
    expect(failed).toEqual(["approval"]);
    expect(whys).toContain(`commit ${COMMIT}: is not approved: it is not signed`);
  });
  it("is not asked about where the policy names nobody", async () => {
    const { checks } = await verify({ policy: policy({}) });
    expect(checks.map(({ name }) => name)).not.toContain("approval");
  });
});

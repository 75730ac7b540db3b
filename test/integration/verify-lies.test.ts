import { describe, expect, it } from "vitest";
import { digestOf, sha256Hex } from "../../builders/contract/digest.ts";
import { type Case, lie, policyText, verify } from "../verification-case.ts";
import type { Lies } from "../verifiable-release.ts";

type Predicate = {
  buildDefinition: {
    buildType: string;
    externalParameters: Record<string, string>;
    resolvedDependencies: { name: string; digest?: Record<string, string>; annotations?: object }[];
  };
  runDetails: { builder: { id: string }; metadata: { invocationId: string } };
};
const provenance = (change: (predicate: Predicate) => void, name = "raw provenance-run-2") =>
  lie(name, (statement) => {
    change(statement.predicate as unknown as Predicate);
    return statement;
  });
const dependency = (
  name: string,
  change: (entry: Predicate["buildDefinition"]["resolvedDependencies"][number]) => void,
) =>
  provenance(({ buildDefinition }) => {
    const entry = buildDefinition.resolvedDependencies.find((one) => one.name === name);
    if (entry !== undefined) change(entry);
  });
const without = (of: (name: string) => boolean) =>
  provenance(({ buildDefinition }) => {
    buildDefinition.resolvedDependencies = buildDefinition.resolvedDependencies.filter(({ name }) => !of(name));
  });

it("a provenance may leave the packages to the locks", async () => {
  const { failed, whys } = await verify(
    provenance(({ buildDefinition }) => {
      const all = buildDefinition.resolvedDependencies;
      buildDefinition.resolvedDependencies = all
        .filter(({ name }) => name !== "deb")
        .map((entry) => {
          const count = { lock: 5, "toolchain-lock": 2 }[entry.name];
          return count === undefined ? entry : { ...entry, annotations: { debCount: count } };
        });
    }),
  );
  expect(failed, whys).toEqual([]);
});

describe("what the holder of the key says wrongly fails, and says why", () => {
  it.each<[what: string, change: () => Case, check: string, why: RegExp]>([
    [
      "another predicate type",
      () => lie("release", (statement) => ({ ...statement, predicateType: "https://example/x" })),
      "record",
      /predicateType/,
    ],
    [
      "a subject less",
      () => lie("release", (statement) => ({ ...statement, subject: statement.subject.slice(1) })),
      "record",
      /is missing/,
    ],
    [
      "a subject twice",
      () =>
        lie("release", (statement) => ({
          ...statement,
          subject: [...statement.subject, ...statement.subject.slice(0, 1)],
        })),
      "record",
      /stands twice/,
    ],
    [
      "one of two runs with other bytes",
      () =>
        lie("raw provenance-run-2", (statement) => ({
          ...statement,
          subject: statement.subject.map((one) => ({ ...one, digest: { sha256: sha256Hex("x") } })),
        })),
      "provenance",
      /raw\.run-2.*has SHA-256/,
    ],
    [
      "a run's subject twice",
      () =>
        lie("raw provenance-run-2", (statement) => ({
          ...statement,
          subject: [...statement.subject, ...statement.subject.slice(0, 1)],
        })),
      "provenance",
      /stands twice/,
    ],
    [
      "an unknown external parameter",
      () => provenance(({ buildDefinition }) => Object.assign(buildDefinition.externalParameters, { extra: "x" })),
      "provenance",
      /externalParameters/,
    ],
    [
      "another external parameter",
      () =>
        provenance(({ buildDefinition }) =>
          Object.assign(buildDefinition.externalParameters, { path: "specs/x/release.yaml" }),
        ),
      "provenance",
      /externalParameters/,
    ],
    [
      "another build type",
      () => provenance(({ buildDefinition }) => Object.assign(buildDefinition, { buildType: "https://example/x" })),
      "provenance",
      /buildType/,
    ],
    [
      "a builder that is not the signer's",
      () => provenance(({ runDetails }) => Object.assign(runDetails.builder, { id: "https://example/x" })),
      "provenance",
      /may not speak for/,
    ],
    [
      "one run under two numbers",
      () => provenance(({ runDetails }) => Object.assign(runDetails.metadata, { invocationId: "local:demo/run-1" })),
      "quorum",
      /names one run twice/,
    ],
    [
      "fewer runs than asked for",
      () => ({ policy: policyText().replace("minBuilds: 2", "minBuilds: 3") }),
      "quorum",
      /has 2 runs/,
    ],
    [
      "another package",
      () => dependency("deb", (entry) => Object.assign(entry, { digest: { sha256: sha256Hex("x") } })),
      "inputs",
      /deb .* is missing/,
    ],
    [
      "a package more",
      () =>
        provenance(({ buildDefinition }) =>
          buildDefinition.resolvedDependencies.push({ name: "deb", digest: { sha256: sha256Hex("x") } }),
        ),
      "inputs",
      /is not of the repository/,
    ],
    ["no packages, and no count", () => without((name) => name === "deb"), "inputs", /lock .* is missing/],
    [
      "another lock",
      () => dependency("lock", (entry) => Object.assign(entry, { digest: { sha256: sha256Hex("x") } })),
      "inputs",
      /lock .* is missing/,
    ],
    [
      "another state of the archive",
      () =>
        dependency("apt-index/debian/trixie", (entry) => Object.assign(entry, { digest: { sha256: sha256Hex("x") } })),
      "inputs",
      /apt-index/,
    ],
    [
      "another commit of the spec",
      () => dependency("spec", (entry) => Object.assign(entry, { digest: { gitCommit: "00".repeat(20) } })),
      "inputs",
      /spec .* is missing/,
    ],
    [
      "a boot that failed",
      () =>
        lie("raw tests", (statement) => ({ ...statement, predicate: { ...statement.predicate, result: "FAILED" } })),
      "tests",
      /is FAILED/,
    ],
    [
      "a boot that is missing",
      () =>
        lie("raw tests", (statement) => ({
          ...statement,
          predicate: { ...statement.predicate, passedTests: ["boot/raw-bios"] },
        })),
      "tests",
      /raw-uefi is missing/,
    ],
    [
      "a boot of other files",
      () => lie("raw tests", (statement) => ({ ...statement, subject: statement.subject.slice(1) })),
      "tests",
      /is missing/,
    ],
    [
      "a target that was not booted",
      () => ({ lies: { parts: (parts) => ({ ...parts, tests: parts.tests.slice(1) }) } }),
      "tests",
      /was not booted/,
    ],
    [
      "a list of packages that lacks one",
      () => ({
        lies: {
          parts: (parts) => ({
            ...parts,
            sboms: parts.sboms.map((one) => ({
              ...one,
              cyclonedx: one.cyclonedx.replace(sha256Hex("libc6"), sha256Hex("x")),
            })),
          }),
        },
      }),
      "sbom",
      /is not in the lock/,
    ],
    [
      "a list that nobody signed",
      () =>
        lie("kernel-initrd sbom", (statement) => ({ ...statement, predicate: { ...statement.predicate, name: "x" } })),
      "sbom",
      /is not about these documents/,
    ],
    [
      "a list of other images",
      () => lie("kernel-initrd sbom", (statement) => ({ ...statement, subject: statement.subject.slice(1) })),
      "sbom",
      /is not about these documents/,
    ],
    [
      "a platform's statement of another commit",
      () =>
        lie("raw platform", (statement) => ({
          ...statement,
          predicate: { ...statement.predicate, git_sha: "00".repeat(20) },
        })),
      "artifacts",
      /says git_sha/,
    ],
    ["an fs-verity digest", () => ({ lies: { parts: changeVerity } }), "artifacts", /fsverityDigest/],
  ])("%s", async (_, change, check, why) => {
    const { failed, whys } = await verify(change());
    expect(whys).toMatch(why);
    expect(failed[0]).toBe(check);
  });

  it("a spec that changed without a release, a lock that did, a commit that is not there", async () => {
    const changed = await verify({
      specs: (files) =>
        files.set(
          "specs/demo/release.yaml",
          (files.get("specs/demo/release.yaml") ?? "").replace("1795392000", "1795392001"),
        ),
    });
    expect(changed.whys).toContain("release.specDigest: is not that of the spec");
    const less = await verify({
      lies: {
        parts: (parts) => ({
          ...parts,
          manifest: {
            ...parts.manifest,
            arches: Object.fromEntries(
              Object.entries(parts.manifest.arches).map(([arch, one]) => [arch, { ...one, lock: digestOf("x") }]),
            ),
          },
        }),
      },
    });
    expect(less.whys).toContain("lock: is not the lock in git");
    const gone = await verify({
      lies: {
        parts: (parts) => ({
          ...parts,
          manifest: { ...parts.manifest, release: { ...parts.manifest.release, specCommit: "00".repeat(20) } },
        }),
      },
    });
    expect(gone.failed[0]).toBe("record"); // the unsigned status says another
  });
});

type Parts = Parameters<NonNullable<Lies["parts"]>>[0];

/** The record says another fs-verity digest of a file; sums know nothing of it. */
function changeVerity(parts: Parts): Parts {
  const targets = structuredClone(parts.manifest.targets);
  const sums = targets["amd64/kernel-initrd"]?.files["SHA256SUMS"];
  if (sums !== undefined) Object.assign(sums, { fsverity: { digest: digestOf("x") } });
  return { ...parts, manifest: { ...parts.manifest, targets } };
}

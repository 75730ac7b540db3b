import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cyclonedxFaults } from "../../test/contracts/cyclonedx-document.ts";
import { spdxFaults } from "../../test/contracts/spdx-document.ts";
import { DPKG_STATUS, LOCK } from "../../test/fakes/locked-image.ts";
import { ARTIFACTS, RELEASE } from "../../test/fakes/release-run.ts";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { cyclonedxDocument } from "./cyclonedx.ts";
import type { ImagePackage } from "./image-packages.ts";
import { composeSbom, type Sbom } from "./sbom.ts";
import { MAX_EMBEDDED_SBOM_BYTES, sbomStatement } from "./sbom-statement.ts";
import { spdxDocument } from "./spdx.ts";

const SBOM = composeSbom(
  {
    ...{ release: "demo", version: RELEASE.version, arch: "amd64", specDigest: RELEASE.specDigest },
    ...{ sourceDateEpoch: 1795392000, imgrel: "0.1.0", rootImage: sha256Hex("root.erofs") },
  },
  LOCK,
  DPKG_STATUS,
);

type SpdxLike = {
  readonly packages: readonly unknown[];
  readonly relationships: readonly Readonly<Record<string, string>>[];
};

/** Bills with packages of every legal name, and maintainers of all kinds. */
const anySbom: fc.Arbitrary<Sbom> = fc
  .uniqueArray(
    fc.record({
      name: fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,10}$/),
      maintainer: fc.constantFrom("", "A B <a@example.org>", "Nobody", "Ünï (the) Code <x@y.example>", "<m@n.example>"),
      essential: fc.boolean(),
    }),
    { selector: ({ name }) => name, maxLength: 12 },
  )
  .map((found) => ({
    ...SBOM,
    packages: found.map(
      ({ name, maintainer, essential }, index): ImagePackage => ({
        ...{ name, maintainer, essential, version: "1:2-3", arch: "amd64", sizeBytes: 1, archive: "debian" },
        ...{ sha256: sha256Hex(name), source: { name: "source", version: "2" } },
        purl: `pkg:deb/debian/${encodeURIComponent(name)}@1`,
        needs: found.slice(0, index).map((one) => `${one.name}:amd64`),
      }),
    ),
  }));

describe("the SPDX document", () => {
  it("is what the specification asks for, whatever the packages are called", () => {
    expect(spdxFaults(spdxDocument(SBOM))).toEqual([]);
    fc.assert(
      fc.property(anySbom, (sbom) => {
        expect(spdxFaults(spdxDocument(sbom))).toEqual([]);
      }),
    );
  });

  it("has the image as what it describes, each package of the lock in it, and what these need", () => {
    const { packages, relationships, ...document } = JSON.parse(spdxDocument(SBOM)) as SpdxLike;
    expect(document).toEqual({
      ...{
        spdxVersion: "SPDX-2.3",
        dataLicense: "CC0-1.0",
        SPDXID: "SPDXRef-DOCUMENT",
        name: "demo-amd64-2026.11.23-1",
      },
      documentNamespace: `https://imgrel.example/spdx/demo-amd64-${RELEASE.specDigest.replace(":", "-")}`,
      creationInfo: { created: "2026-11-23T00:00:00Z", creators: ["Tool: imgrel-0.1.0"] },
    });
    expect(packages[0]).toMatchObject({
      ...{ SPDXID: "SPDXRef-Image", name: "demo-amd64", versionInfo: "2026.11.23-1" },
      checksums: [{ algorithm: "SHA256", checksumValue: sha256Hex("root.erofs") }],
    });
    expect(packages[1]).toMatchObject({
      ...{ SPDXID: "SPDXRef-Package-bash-amd64", name: "bash", versionInfo: "5.2.37-2+b10", comment: "Essential: yes" },
      ...{ supplier: "Organization: debian", originator: "Person: Maintainers of bash (bash@example.org)" },
      checksums: [{ algorithm: "SHA256", checksumValue: LOCK.packages[0]?.sha256 }],
      externalRefs: [{ referenceType: "purl", referenceLocator: SBOM.packages[0]?.purl }],
    });
    expect(packages[4]).toMatchObject({ sourceInfo: "built from source package util-linux 2.41.5-0+deb13u1" });
    expect(packages[4]).not.toHaveProperty("comment");
    const rows = relationships.map((one) =>
      [one["spdxElementId"], one["relationshipType"], one["relatedSpdxElement"]].join(" "),
    );
    expect(rows).toEqual([
      "SPDXRef-DOCUMENT DESCRIBES SPDXRef-Image",
      "SPDXRef-Image CONTAINS SPDXRef-Package-bash-amd64",
      "SPDXRef-Image CONTAINS SPDXRef-Package-libc6-amd64",
      "SPDXRef-Image CONTAINS SPDXRef-Package-libstdcPP6-amd64",
      "SPDXRef-Image CONTAINS SPDXRef-Package-mount-amd64",
      "SPDXRef-Package-bash-amd64 DEPENDS_ON SPDXRef-Package-libc6-amd64",
      "SPDXRef-Package-libstdcPP6-amd64 DEPENDS_ON SPDXRef-Package-libc6-amd64",
      "SPDXRef-Package-libstdcPP6-amd64 DEPENDS_ON SPDXRef-Package-mount-amd64",
    ]);
  });

  it("fails its check if anything that the specification asks for is not there", () => {
    const document = JSON.parse(spdxDocument(SBOM));
    const faults = (change: (copy: typeof document) => void) => {
      const copy = structuredClone(document);
      change(copy);
      return spdxFaults(JSON.stringify(copy));
    };
    for (const key of Object.keys(document))
      expect(
        faults((copy) => delete copy[key]),
        key,
      ).not.toEqual([]);
    for (const key of ["SPDXID", "name", "downloadLocation", "filesAnalyzed"]) {
      expect(
        faults((copy) => delete copy.packages[1][key]),
        key,
      ).not.toEqual([]);
    }
    expect(faults((copy) => (copy.packages[1].SPDXID = "SPDXRef-a+b"))).not.toEqual([]);
    expect(faults((copy) => (copy.packages[1].SPDXID = copy.packages[2].SPDXID))).toContain(
      ": an identifier stands twice",
    );
    expect(faults((copy) => (copy.relationships[1].relatedSpdxElement = "SPDXRef-x"))).toEqual([
      ": SPDXRef-x is no element",
    ]);
    expect(faults((copy) => (copy.documentNamespace += "#a"))).not.toEqual([]);
    expect(faults((copy) => (copy.packages[0].primaryPackagePurpose = "OPERATING-SYSTEM"))).not.toEqual([]);
    expect(faults((copy) => (copy.other = 1))).not.toEqual([]);
  });
});

describe("the CycloneDX document", () => {
  it("is valid by CycloneDX's own schema, whatever the packages are called", async () => {
    expect(await cyclonedxFaults(cyclonedxDocument(SBOM))).toBeNull();
    await fc.assert(
      fc.asyncProperty(anySbom, async (sbom) => {
        expect(await cyclonedxFaults(cyclonedxDocument(sbom))).toBeNull();
      }),
      { numRuns: 5 },
    );
  });

  it("fails that check with a field that the schema does not have", async () => {
    const document = JSON.parse(cyclonedxDocument(SBOM));
    expect(await cyclonedxFaults(JSON.stringify({ ...document, other: 1 }))).not.toBeNull();
  });

  it("has the same packages, and the image as what depends on all of them", () => {
    const document = JSON.parse(cyclonedxDocument(SBOM));
    expect(document.metadata.component).toMatchObject({ type: "operating-system", name: "demo-amd64" });
    expect(document.components).toMatchObject(SBOM.packages.map(({ purl }) => ({ "bom-ref": purl, purl })));
    expect(document.components[3]).toMatchObject({
      ...{ name: "mount", publisher: "Maintainers of mount <mount@example.org>", supplier: { name: "debian" } },
      hashes: [{ alg: "SHA-256", content: LOCK.packages[3]?.sha256 }],
      properties: [
        { name: "imgrel:deb:essential", value: "no" },
        { name: "imgrel:deb:source", value: "util-linux 2.41.5-0+deb13u1" },
      ],
    });
    const [bash, libc, stdc, mount] = SBOM.packages.map(({ purl }) => purl);
    expect(document.dependencies).toEqual([
      { ref: "pkg:generic/demo@2026.11.23-1?arch=amd64", dependsOn: [bash, libc, stdc, mount] },
      { ref: bash, dependsOn: [libc] },
      { ref: libc, dependsOn: [] },
      { ref: stdc, dependsOn: [libc, mount] },
      { ref: mount, dependsOn: [] },
    ]);
    expect(document.serialNumber).toMatch(/^urn:uuid:[0-9a-f-]{36}$/);
  });
});

describe("both documents", () => {
  it("are the same bytes for the same facts, and others for another release", () => {
    const again = composeSbom(SBOM, LOCK, DPKG_STATUS);
    const other = { ...SBOM, specDigest: `sha256:${"0".repeat(64)}` as const };
    for (const write of [spdxDocument, cyclonedxDocument]) {
      expect(write(again)).toBe(write(SBOM));
      expect(write(other)).not.toBe(write(SBOM));
    }
  });
});

describe("sbomStatement", () => {
  const documents = {
    ...{ arch: "amd64" as const, spdx: spdxDocument(SBOM), cyclonedx: cyclonedxDocument(SBOM) },
    ...{
      location: "git+https://git.example/r.git@refs/heads/release-records#records/demo/sbom",
      attester: "https://b",
    },
  };

  it("holds the SPDX document, about the images and nothing else", () => {
    const statement = sbomStatement(documents, ARTIFACTS);
    expect(statement.predicateType).toBe("https://spdx.dev/Document/v2.3");
    expect(statement.predicate).toEqual(JSON.parse(documents.spdx));
    expect(statement.subject.map(({ name }) => name)).toEqual([
      "amd64/kernel-initrd/kernel",
      "amd64/raw/installer.img",
    ]);
    expect(() => sbomStatement({ ...documents, arch: "arm64" }, ARTIFACTS)).toThrow(/no image for arm64/);
  });

  it("names both documents by digest from one byte above 1 MiB on", () => {
    const padded = (bytes: number) => ({ ...documents, spdx: documents.spdx.padEnd(bytes, "\n") });
    expect(sbomStatement(padded(MAX_EMBEDDED_SBOM_BYTES), ARTIFACTS).predicateType).toMatch(/spdx/);
    const large = padded(MAX_EMBEDDED_SBOM_BYTES + 1);
    const statement = sbomStatement(large, ARTIFACTS);
    expect(statement.predicateType).toBe("https://in-toto.io/attestation/reference/v0.1");
    expect(statement.predicate).toEqual({
      attester: { id: "https://b" },
      references: [
        {
          name: "amd64.spdx.json",
          downloadLocation: `${documents.location}/amd64.spdx.json`,
          digest: { sha256: sha256Hex(large.spdx) },
          mediaType: "application/spdx+json",
        },
        {
          name: "amd64.cdx.json",
          downloadLocation: `${documents.location}/amd64.cdx.json`,
          digest: { sha256: sha256Hex(documents.cyclonedx) },
          mediaType: "application/vnd.cyclonedx+json",
        },
      ],
    });
  });
});

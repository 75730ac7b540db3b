import { stableJson } from "../../builders/contract/digest.ts";
import { packageKey } from "../../builders/contract/lock.ts";
import type { ImagePackage } from "./image-packages.ts";
import { createdOn, describeSource, imageName, imagePurl, type Sbom } from "./sbom.ts";

const DOCUMENT = "SPDXRef-DOCUMENT";
const IMAGE = "SPDXRef-Image";

/** Letters, digits, dots and hyphens only (SPDX 2.3, 7.2). dpkg's names have no capitals, so P is free for a plus. */
const idOf = ({ name, arch }: { readonly name: string; readonly arch: string }): string =>
  `SPDXRef-Package-${name.replaceAll("+", "P")}-${arch}`;

const purlRef = (locator: string) => [
  { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: locator },
];

/**
 * `Name <mail>` as SPDX writes it, with empty brackets where there is no mail, so that none of the name is taken for it.
 * dpkg does not say whether a maintainer is one person or many.
 */
function originator(maintainer: string): string {
  const [, name = maintainer, mail = ""] = /^(.*?)\s*<([^<>\s]+)>$/.exec(maintainer) ?? [];
  return `Person: ${name === "" ? mail : name} (${mail})`;
}

/** What stands in every package: the contents are not taken apart, and no claim on licences is made (7.8, 7.13). */
const UNANALYSED = {
  filesAnalyzed: false,
  downloadLocation: "NOASSERTION",
  licenseConcluded: "NOASSERTION",
  licenseDeclared: "NOASSERTION",
  copyrightText: "NOASSERTION",
};

const packageEntry = (one: ImagePackage) => ({
  ...UNANALYSED,
  SPDXID: idOf(one),
  name: one.name,
  versionInfo: one.version,
  supplier: `Organization: ${one.archive}`,
  originator: one.maintainer === "" ? "NOASSERTION" : originator(one.maintainer),
  sourceInfo: `built from source package ${describeSource(one)}`,
  checksums: [{ algorithm: "SHA256", checksumValue: one.sha256 }],
  externalRefs: purlRef(one.purl),
  ...(one.essential ? { comment: "Essential: yes" } : {}),
});

/** The bill of materials as an SPDX 2.3 document (ISO/IEC 5962, JSON). Same facts, same bytes. */
export function spdxDocument(sbom: Sbom): string {
  const image = {
    ...UNANALYSED,
    SPDXID: IMAGE,
    name: imageName(sbom),
    versionInfo: sbom.version,
    supplier: "NOASSERTION",
    primaryPackagePurpose: "OPERATING_SYSTEM",
    checksums: [{ algorithm: "SHA256", checksumValue: sbom.rootImage }],
    externalRefs: purlRef(imagePurl(sbom)),
  };
  const relation = (spdxElementId: string, relationshipType: string, relatedSpdxElement: string) => ({
    spdxElementId,
    relationshipType,
    relatedSpdxElement,
  });
  const ids = new Map(sbom.packages.map((one) => [packageKey(one), idOf(one)]));
  return stableJson({
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: DOCUMENT,
    name: `${imageName(sbom)}-${sbom.version}`,
    documentNamespace: `https://imgrel.example/spdx/${imageName(sbom)}-${sbom.specDigest.replace(":", "-")}`,
    creationInfo: { created: createdOn(sbom), creators: [`Tool: imgrel-${sbom.imgrel}`] },
    packages: [image, ...sbom.packages.map(packageEntry)],
    relationships: [
      relation(DOCUMENT, "DESCRIBES", IMAGE),
      ...sbom.packages.map((one) => relation(IMAGE, "CONTAINS", idOf(one))),
      ...sbom.packages.flatMap((one) =>
        one.needs.flatMap((key) => {
          const id = ids.get(key);
          return id === undefined ? [] : [relation(idOf(one), "DEPENDS_ON", id)];
        }),
      ),
    ],
  });
}

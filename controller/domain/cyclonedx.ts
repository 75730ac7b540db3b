import { stableJson, uuidFromName } from "../../builders/contract/digest.ts";
import { packageKey } from "../../builders/contract/lock.ts";
import type { ImagePackage } from "./image-packages.ts";
import { createdOn, describeSource, imageName, imagePurl, type Sbom } from "./sbom.ts";

const hashes = (sha256: string) => [{ alg: "SHA-256", content: sha256 }];

const component = (one: ImagePackage) => ({
  type: "library",
  "bom-ref": one.purl,
  name: one.name,
  version: one.version,
  purl: one.purl,
  supplier: { name: one.archive },
  ...(one.maintainer === "" ? {} : { publisher: one.maintainer }),
  hashes: hashes(one.sha256),
  properties: [
    { name: "imgrel:deb:essential", value: one.essential ? "yes" : "no" },
    { name: "imgrel:deb:source", value: describeSource(one) },
  ],
});

/**
 * The bill of materials as a CycloneDX 1.6 document (ECMA-424, JSON). The image depends on all packages, since all are
 * in it. Same facts, same bytes.
 */
export function cyclonedxDocument(sbom: Sbom): string {
  const image = imagePurl(sbom);
  const purls = new Map(sbom.packages.map((one) => [packageKey(one), one.purl]));
  return stableJson({
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidFromName(`cyclonedx/${imageName(sbom)}/${sbom.specDigest}`)}`,
    version: 1,
    metadata: {
      timestamp: createdOn(sbom),
      tools: { components: [{ type: "application", name: "imgrel", version: sbom.imgrel }] },
      component: {
        type: "operating-system",
        "bom-ref": image,
        name: imageName(sbom),
        version: sbom.version,
        purl: image,
        hashes: hashes(sbom.rootImage),
      },
    },
    components: sbom.packages.map(component),
    dependencies: [
      { ref: image, dependsOn: sbom.packages.map(({ purl }) => purl) },
      ...sbom.packages.map((one) => ({
        ref: one.purl,
        dependsOn: one.needs.flatMap((key) => purls.get(key) ?? []),
      })),
    ],
  });
}

import { z } from "zod";
import { Sha256Hex } from "../../builders/contract/digest.ts";
import type { Lock } from "../../builders/contract/lock.ts";
import { sbomLocation } from "./arch-documents.ts";
import { purlOf } from "./image-packages.ts";
import type { PublishedRecord } from "./read-record.ts";
import type { SbomFiles } from "./record.ts";
import { recordFilePath } from "./record-files.ts";
import { recordInvalid, recordJson } from "./record-invalid.ts";
import { sbomStatement } from "./sbom-statement.ts";
import { sameStatement, type Statement } from "./statement.ts";

const Spdx = z.object({
  packages: z.array(
    z.object({
      primaryPackagePurpose: z.string().exactOptional(),
      checksums: z.tuple([z.object({ algorithm: z.literal("SHA256"), checksumValue: Sha256Hex })]),
      externalRefs: z.tuple([z.object({ referenceType: z.literal("purl"), referenceLocator: z.string() })]),
    }),
  ),
});

const CycloneDx = z.object({
  components: z.array(
    z.object({ purl: z.string(), hashes: z.tuple([z.object({ alg: z.literal("SHA-256"), content: Sha256Hex })]) }),
  ),
});

/** A package by what it is and the SHA-256 of its .deb, for both formats and the lock alike. */
const entryOf = (purl: string, sha256: string): string => `${purl} ${sha256}`;

/** The packages of an SPDX document, without the image that has them. */
const spdxPackages = (file: string, text: string): string[] =>
  recordJson(file, text, Spdx)
    .packages.filter(({ primaryPackagePurpose }) => primaryPackagePurpose !== "OPERATING_SYSTEM")
    .map(({ checksums: [sum], externalRefs: [ref] }) => entryOf(ref.referenceLocator, sum.checksumValue));

const cyclonedxPackages = (file: string, text: string): string[] =>
  recordJson(file, text, CycloneDx).components.map(({ purl, hashes: [hash] }) => entryOf(purl, hash.content));

function checkSame(file: string, listed: readonly string[], locked: ReadonlySet<string>): void {
  const seen = new Set<string>();
  for (const entry of listed) {
    if (seen.has(entry)) throw recordInvalid(file, "", `${entry} stands twice`);
    if (!locked.has(entry)) throw recordInvalid(file, "", `${entry} is not in the lock`);
    seen.add(entry);
  }
  const missing = [...locked].find((entry) => !seen.has(entry));
  if (missing !== undefined) throw recordInvalid(file, "", `${missing} of the lock is missing`);
}

/** Who says that he made the documents, where the statement only refers to them. */
const Attester = z.object({ attester: z.object({ id: z.string() }) }).catch({ attester: { id: "" } });

/**
 * Checks an arch's bills of materials: both list exactly the lock's packages of the target, and the statement, whose
 * signature is known to be good, is about these very documents and the images of the arch (trust.md 2.3, step 10).
 * @param builderIds builders that its signer may speak for
 * @throws ReleaseError RecordInvalid
 */
export function checkSbom(
  { artifacts, manifest: { release } }: Pick<PublishedRecord, "artifacts" | "manifest">,
  { arch, spdx, cyclonedx }: SbomFiles,
  statement: Statement,
  builderIds: readonly string[],
  lock: Lock,
): void {
  const file = (format: "spdx" | "cdx" | "sigstore") => recordFilePath({ kind: "sbom", arch, format });
  const target = lock.packages.filter(({ role }) => role === "target");
  const locked = new Set(target.map((one) => entryOf(purlOf(lock, one), one.sha256)));
  checkSame(file("spdx"), spdxPackages(file("spdx"), spdx), locked);
  checkSame(file("cdx"), cyclonedxPackages(file("cdx"), cyclonedx), locked);
  const attester = Attester.parse(statement.predicate).attester.id;
  const wanted = sbomStatement({ arch, spdx, cyclonedx, location: sbomLocation(release), attester }, artifacts);
  if (!sameStatement(statement, wanted)) {
    throw recordInvalid(file("sigstore"), "", "is not about these documents and the images of the arch");
  }
  if (attester !== "" && !builderIds.includes(attester)) {
    throw recordInvalid(file("sigstore"), "attester", `is ${attester}, which its signer may not speak for`);
  }
}

import { z } from "zod";

/**
 * SPDX 2.3 in JSON, written down from the specification (clauses 6, 7 and 11, and the fields of its JSON form), as far
 * as documents of ours go: no package registry has its schema. Fields that it does not name are refused.
 */
const OneLine = z.string().regex(/^[^\r\n]+$/, "must be a single line of text");
const ElementId = z.string().regex(/^SPDXRef-[A-Za-z0-9.-]+$/, "must be SPDXRef- and letters, digits, dots, hyphens");
const Agent = z.string().regex(/^(NOASSERTION|Organization: [^\s()]+|Person: \S[^\r\n]* \([^()\s]*\))$/);
const Creator = z.string().regex(/^Tool: \S+-\S+$/);
const Created = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
const NoAssertion = z.enum(["NOASSERTION", "NONE"]);

const Package = z.strictObject({
  SPDXID: ElementId,
  name: OneLine,
  versionInfo: OneLine,
  supplier: Agent,
  originator: Agent.optional(),
  // 7.7: a location, or one of the two words; ours names none
  downloadLocation: NoAssertion,
  // 7.8: without it there would have to be files and a verification code
  filesAnalyzed: z.literal(false),
  checksums: z
    .array(z.strictObject({ algorithm: z.literal("SHA256"), checksumValue: z.string().regex(/^[0-9a-f]{64}$/) }))
    .min(1),
  sourceInfo: z.string().optional(),
  licenseConcluded: NoAssertion,
  licenseDeclared: NoAssertion,
  copyrightText: NoAssertion,
  comment: z.string().optional(),
  // 7.24, with the underscore that its JSON form has
  primaryPackagePurpose: z.enum(["OPERATING_SYSTEM", "LIBRARY", "APPLICATION", "OTHER"]).optional(),
  externalRefs: z.array(
    z.strictObject({
      referenceCategory: z.literal("PACKAGE-MANAGER"),
      referenceType: z.literal("purl"),
      referenceLocator: z.string().regex(/^pkg:\S+$/, "must have no spaces"),
    }),
  ),
});

const SpdxDocument = z
  .strictObject({
    spdxVersion: z.literal("SPDX-2.3"),
    dataLicense: z.literal("CC0-1.0"),
    SPDXID: z.literal("SPDXRef-DOCUMENT"),
    name: OneLine,
    documentNamespace: z.url().regex(/^[^#]+$/, "must have no fragment"),
    creationInfo: z.strictObject({ created: Created, creators: z.array(Creator).min(1) }),
    packages: z.array(Package).min(1),
    relationships: z.array(
      z.strictObject({
        spdxElementId: ElementId,
        relatedSpdxElement: ElementId,
        relationshipType: z.enum(["DESCRIBES", "CONTAINS", "DEPENDS_ON"]),
      }),
    ),
  })
  .check(({ value, issues }) => {
    const complain = (message: string) => issues.push({ code: "custom", message, input: message });
    const ids = [value.SPDXID, ...value.packages.map(({ SPDXID }) => SPDXID)];
    const known = new Set<string>(ids);
    if (known.size < ids.length) complain("an identifier stands twice");
    for (const { spdxElementId, relatedSpdxElement } of value.relationships) {
      for (const id of [spdxElementId, relatedSpdxElement]) if (!known.has(id)) complain(`${id} is no element`);
    }
    const described = value.relationships.filter(({ relationshipType }) => relationshipType === "DESCRIBES");
    if (!described.every(({ spdxElementId }) => spdxElementId === value.SPDXID))
      complain("DESCRIBES is the document's");
    // 11.1: without it nobody knows what the document is about
    if (described.length === 0) complain("the document describes nothing");
  });

/** What is wrong with an SPDX 2.3 document, one line each. */
export function spdxFaults(text: string): string[] {
  const parsed = SpdxDocument.safeParse(JSON.parse(text));
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

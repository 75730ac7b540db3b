import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { GOOD_RELEASE } from "../../test/contracts/bad-documents.ts";
import { validRelease, validSpec } from "../../test/fakes/release-specs.ts";
import { canonicalJson, digestOf } from "../../builders/contract/digest.ts";
import { requireDocument, readDocument } from "./documents.ts";
import { archesOf, componentsOf, specDigest, variantsFor } from "./release.ts";

const good = requireDocument(GOOD_RELEASE, "f", "DiskImageRelease").spec;
const LOCKS = { amd64: digestOf("amd64"), arm64: digestOf("arm64") };

test("every valid release is read back from YAML as it was written", () => {
  fc.assert(
    fc.property(validRelease, (release) => {
      const result = readDocument(stringify(release, { aliasDuplicateObjects: false }), "f");
      expect(result.ok ? result.document : result.problems).toEqual(release);
    }),
    { numRuns: 150 },
  );
});

test("architectures and variants of a spec", () => {
  expect(archesOf(good)).toEqual(["amd64", "arm64"]);
  expect(variantsFor(good, "amd64")).toEqual(["oci"]);
  expect(variantsFor(good, "arm64")).toEqual(["disk-image-rpi4"]);
  expect(archesOf({ ...good, targets: [{ variant: "raw", arch: "arm64" }] })).toEqual(["arm64"]);
});

test("every target is in one architecture's variants, and nothing else is", () => {
  fc.assert(
    fc.property(validSpec, (spec) => {
      const listed = archesOf(spec).flatMap((arch) => variantsFor(spec, arch).map((variant) => `${variant}/${arch}`));
      expect(listed.toSorted()).toEqual(spec.targets.map(({ variant, arch }) => `${variant}/${arch}`).toSorted());
    }),
    { numRuns: 50 },
  );
});

test("components of a spec that names none", () => {
  const { components: _, ...distribution } = good.inputs.distribution;
  expect(componentsOf(good)).toEqual(["main", "universe"]);
  expect(componentsOf({ ...good, inputs: { ...good.inputs, distribution } })).toEqual(["main"]);
});

describe("specDigest", () => {
  test("is the digest of canonical JSON of spec and locks", () => {
    expect(specDigest(good, LOCKS)).toBe(digestOf(canonicalJson({ spec: good, lock: LOCKS })));
  });

  test("does not depend on suspend, on source, or on the order of keys", () => {
    fc.assert(
      fc.property(validSpec, (spec) => {
        const { suspend: _, ...rest } = spec;
        const shuffled = { source: { commit: "1" }, ...Object.fromEntries(Object.entries(spec).toReversed()) };
        const digest = specDigest(spec, LOCKS);
        expect(specDigest({ ...rest, suspend: true }, LOCKS)).toBe(digest);
        expect(specDigest(rest, { arm64: LOCKS.arm64, amd64: LOCKS.amd64 })).toBe(digest);
        expect(specDigest(shuffled as unknown as typeof spec, LOCKS)).toBe(digest);
      }),
      { numRuns: 50 },
    );
  });

  test("changes with every other field and with every lock", () => {
    const changed = [
      specDigest({ ...good, version: "2" }, LOCKS),
      specDigest({ ...good, className: "other" }, LOCKS),
      specDigest({ ...good, builds: 3 }, LOCKS),
      specDigest({ ...good, targets: good.targets.toReversed() }, LOCKS),
      specDigest({ ...good, inputs: { ...good.inputs, sourceDateEpoch: 1 } }, LOCKS),
      specDigest(good, { ...LOCKS, amd64: LOCKS.arm64 }),
      specDigest(good, { amd64: LOCKS.amd64 }),
      specDigest(good, {}),
      specDigest(good, LOCKS),
    ];
    expect(new Set(changed).size).toBe(changed.length);
  });
});

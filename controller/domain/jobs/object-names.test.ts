import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../builders/contract/digest.ts";
import { ARCHES, VARIANTS } from "../../../builders/contract/variant.ts";
import { idempotencyKey } from "../idempotency-key.ts";
import { claimName, jobName, type JobRef, stagingTag } from "./object-names.ts";

const identity = { repository: "https://git.example/specs", release: "noble-1", specDigest: digestOf("spec") };
const key = idempotencyKey({ ...identity, step: "Build", target: "" }).slice(0, 10);

const refs: fc.Arbitrary<JobRef> = fc
  .tuple(fc.constantFrom(...ARCHES), fc.nat(4), fc.constantFrom(...VARIANTS))
  .chain(([arch, less, variant]) =>
    fc.constantFrom<JobRef>(
      { step: "fetch", arch },
      { step: "build", arch, run: less + 1 },
      { step: "publish", arch, run: less + 1 },
      { step: "boot", arch, boot: variant },
      { step: "boot", arch, boot: `${variant}-uefi` },
    ),
  );

describe("names of a release's objects", () => {
  it("are those of release-api.md 2.2", () => {
    expect(jobName(identity, { step: "build", arch: "arm64", run: 1 }, 1)).toBe(`dir-${key}-arm64-b1-1`);
    expect(jobName(identity, { step: "publish", arch: "amd64", run: 2 }, 3)).toBe(`dir-${key}-amd64-p2-3`);
    expect(jobName(identity, { step: "boot", arch: "amd64", boot: "raw-uefi" }, 1)).toBe(
      `dir-${key}-amd64-v-raw-uefi-1`,
    );
    expect(jobName(identity, { step: "fetch", arch: "amd64" }, 1)).toBe(`dir-${key}-amd64-f-1`);
    expect(claimName(identity, "amd64", 2)).toBe(`dir-${key}-amd64-s2`);
    expect(stagingTag(identity, "amd64", 2)).toBe(`dir-${key}-amd64-s2`);
  });
  it("are others for another content of the same release", () => {
    const other = { ...identity, specDigest: digestOf("another spec") };
    expect(claimName(other, "amd64", 1)).not.toBe(claimName(identity, "amd64", 1));
  });
  it("are legal, short enough for the pods' own suffix, and differ wherever the Jobs do", () => {
    fc.assert(
      fc.property(refs, refs, fc.integer({ min: 1, max: 999 }), (a, b, attempt) => {
        const name = jobName(identity, a, attempt);
        expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
        expect(name.length).toBeLessThanOrEqual(57);
        expect(name === jobName(identity, b, attempt)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });
});

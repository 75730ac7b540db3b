import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Bump, bumpedSpec, decideBump, editRelease, nextSnapshot, snapshotOf } from "./bump.ts";
import { requireDocument } from "./documents.ts";
import { ReleaseError } from "./errors.ts";
import { parseKernelName } from "./kernel-package.ts";
import type { ReleaseSpec } from "./release.ts";

const FILE = "specs/demo/release.yaml";
const TEXT = `# the demo
apiVersion: releases.powernode.io/v1alpha1
kind: DiskImageRelease
metadata: { name: demo }   # the folder's name
spec:
  version:   "2026.11.23-1"  # goes up
  className: local
  inputs:
    distribution: {archive: debian, suite: trixie,
      snapshot: 20261101T000000Z}
    kernelPackage:
        arm64: 'linux-image-6.12.48+deb13-arm64'
        amd64: linux-image-6.12.48+deb13-amd64 # pinned

    # on top
    packages: [openssh-server]
    sourceDateEpoch: 1795392000
  targets:
  - { variant: raw, arch: amd64 }
  - { variant: raw, arch: arm64 }
`;
const { spec } = requireDocument(TEXT, FILE, "DiskImageRelease");
const SNAPSHOT = "20261201T120000Z";
const NOTHING_USED: ReadonlySet<string> = new Set();
const offers = (...names: string[]) => names.map((name) => ({ name, version: "1" }));
const facts = {
  used: NOTHING_USED,
  snapshot: SNAPSHOT,
  offers: {
    amd64: offers("linux-image-6.12.48+deb13-amd64", "linux-image-6.12.117+deb13-amd64"),
    arm64: offers("linux-image-6.12.117+deb13-arm64", "linux-image-6.12.118+deb13-cloud-arm64"),
  },
  newestKernels: false,
};

/** Lines of `to` that differ from the same line of `from`. */
const changedLines = (from: string, to: string) => {
  const [before, after] = [from.split("\n"), to.split("\n")];
  expect(after).toHaveLength(before.length);
  return after.filter((line, index) => line !== before[index]);
};

describe("a bump", () => {
  it("moves the version, the snapshot and only the kernels that are gone", () => {
    expect(decideBump(spec, facts)).toEqual({
      version: "2026.11.23-2",
      snapshot: SNAPSHOT,
      kernels: { arm64: "linux-image-6.12.117+deb13-arm64" },
    });
  });

  it("moves every kernel where that is asked for", () => {
    expect(decideBump(spec, { ...facts, newestKernels: true }).kernels).toEqual({
      amd64: "linux-image-6.12.117+deb13-amd64",
      arm64: "linux-image-6.12.117+deb13-arm64",
    });
  });

  it("names no kernel that is the newest already", () => {
    const newest = { ...facts.offers, amd64: offers("linux-image-6.12.48+deb13-amd64") };
    const { kernels } = decideBump(spec, { ...facts, offers: newest, newestKernels: true });
    expect(kernels).toEqual({ arm64: "linux-image-6.12.117+deb13-arm64" });
  });

  it("moves only the version where the packages stay", () => {
    expect(decideBump(spec, { ...facts, snapshot: null, offers: {} })).toEqual({
      version: "2026.11.23-2",
      kernels: {},
    });
  });

  it("adds no snapshot to a spec without one", () => {
    const { snapshot: _, ...distribution } = spec.inputs.distribution;
    const without: ReleaseSpec = { ...spec, inputs: { ...spec.inputs, distribution } };
    expect(decideBump(without, facts)).not.toHaveProperty("snapshot");
  });

  it("moves to the archive's present state, and never back", () => {
    expect(nextSnapshot(spec, new Date("2026-12-01T12:00:00Z"))).toBe(SNAPSHOT);
    expect(nextSnapshot(spec, new Date("2026-10-31T23:59:59Z"))).toBe("20261101T000000Z");
    const { snapshot: _, ...distribution } = spec.inputs.distribution;
    expect(nextSnapshot({ ...spec, inputs: { ...spec.inputs, distribution } }, new Date())).toBeNull();
  });

  it("passes over versions that were used", () => {
    expect(decideBump(spec, { ...facts, used: new Set(["2026.11.23-2"]) }).version).toBe("2026.11.23-3");
  });

  it("takes no kernel of another flavour or architecture", () => {
    const others = { amd64: offers("linux-image-6.12.118+deb13-cloud-amd64", "linux-image-6.12.118+deb13-arm64") };
    const attempt = () => decideBump(spec, { ...facts, offers: others });
    expect(attempt).toThrow(ReleaseError);
    expect(attempt).toThrow(/no kernel of the flavour amd64/);
  });

  it("names its archive state in UTC", () => {
    expect(snapshotOf(new Date("2026-12-01T13:00:00.999+01:00"))).toBe(SNAPSHOT);
  });
});

describe("an edited release", () => {
  it("differs only in the values that move; comments, order and quotes stay", () => {
    const { text, release } = editRelease(TEXT, FILE, decideBump(spec, facts));
    expect(changedLines(TEXT, text)).toEqual([
      '  version:   "2026.11.23-2"  # goes up',
      `      snapshot: ${SNAPSHOT}}`,
      "        arm64: 'linux-image-6.12.117+deb13-arm64'",
    ]);
    expect(release.spec.version).toBe("2026.11.23-2");
  });

  it("keeps line ends and a missing final newline", () => {
    const windows = TEXT.replaceAll("\n", "\r\n").trimEnd();
    const { text } = editRelease(windows, FILE, { version: "2", kernels: {} });
    expect(text).toBe(windows.replace('"2026.11.23-1"', '"2"'));
  });

  it("quotes a plain value where it would no longer be text", () => {
    const plain = TEXT.replace('"2026.11.23-1"', "v1");
    expect(changedLines(plain, editRelease(plain, FILE, { version: "2026.11", kernels: {} }).text)).toEqual([
      '  version:   "2026.11"  # goes up',
    ]);
    expect(changedLines(plain, editRelease(plain, FILE, { version: "v2", kernels: {} }).text)).toEqual([
      "  version:   v2  # goes up",
    ]);
  });

  it("refuses what is no release, a block, and a value that is not there", () => {
    expect(() => editRelease("kind: x", FILE, { version: "2", kernels: {} })).toThrow(ReleaseError);
    const block = TEXT.replace('"2026.11.23-1"  # goes up', ">-\n    2026.11.23-1");
    expect(() => editRelease(block, FILE, { version: "2", kernels: {} })).toThrow(/written as a block/);
    const without = TEXT.replace(/,\n {6}snapshot: [^}]*/, "");
    expect(() => editRelease(without, FILE, { version: "2", kernels: {}, snapshot: SNAPSHOT })).toThrow(
      /has no spec.inputs.distribution.snapshot/,
    );
  });

  it("never loosens a pin: it is valid, and equal but for what the bump names", () => {
    const release = fc.integer({ min: 1, max: 200 });
    const kernel = (arch: string) => release.map((number) => `linux-image-6.12.${number}+deb13-${arch}`);
    const quoted = (value: string) => fc.constantFrom(value, `"${value}"`, `'${value}'`);
    const cases = fc.record({
      version: fc
        .stringMatching(/^[a-z0-9]{1,8}(\.[0-9]{1,3}){0,2}(-[0-9]{1,2})?$/)
        .filter((text) => typeof parse(text) === "string"), // "4e-3" is a number where it is not quoted
      amd64: kernel("amd64"),
      arm64: kernel("arm64"),
      offered: fc.array(fc.tuple(kernel("amd64"), kernel("arm64")), { minLength: 1, maxLength: 5 }),
      newestKernels: fc.boolean(),
      stay: fc.boolean(),
    });
    fc.assert(
      fc.property(
        cases.chain((given) =>
          fc.record({ given: fc.constant(given), version: quoted(given.version), amd64: quoted(given.amd64) }),
        ),
        ({ given, version, amd64 }) => {
          const text = TEXT.replace('"2026.11.23-1"', version)
            .replace(/amd64: linux\S+/, `amd64: ${amd64}`)
            .replace(/arm64: 'linux\S+/, `arm64: ${given.arm64}`);
          const before = requireDocument(text, FILE, "DiskImageRelease");
          const bump: Bump = decideBump(before.spec, {
            used: NOTHING_USED,
            snapshot: given.stay ? null : SNAPSHOT,
            offers: given.stay
              ? {}
              : {
                  amd64: offers(...given.offered.map(([name]) => name)),
                  arm64: offers(...given.offered.map(([, name]) => name)),
                },
            newestKernels: given.newestKernels,
          });
          const after = editRelease(text, FILE, bump);
          expect(requireDocument(after.text, FILE, "DiskImageRelease")).toEqual({
            ...before,
            spec: bumpedSpec(before.spec, bump),
          });
          const restored = {
            ...after.release.spec,
            version: before.spec.version,
            inputs: {
              ...after.release.spec.inputs,
              kernelPackage: before.spec.inputs.kernelPackage,
              distribution: before.spec.inputs.distribution,
            },
          };
          expect(restored).toEqual(before.spec);
          expect(after.release.spec.version).not.toBe(before.spec.version);
          for (const [index, arch] of (["amd64", "arm64"] as const).entries()) {
            const [old, now] = [before, after.release].map(({ spec: { inputs } }) => inputs.kernelPackage[arch] ?? "");
            expect(parseKernelName(now ?? "")?.flavour).toBe(arch);
            const stands = given.offered.some((names) => names[index] === old);
            if (given.stay || (stands && !given.newestKernels)) expect(now).toBe(old);
            else expect(given.offered.map((names) => names[index])).toContain(now);
          }
        },
      ),
    );
  });
});

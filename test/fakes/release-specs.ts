import fc from "fast-check";
import { ARCHES, type Arch, IMG_VARIANTS, VARIANTS, variantExistsFor } from "../../builders/contract/variant.ts";
import {
  COMPONENT,
  FIRMWARE_REF,
  LABEL_NAME,
  PACKAGE_NAME,
  PLATFORM_NAME,
  RELEASE_NAME,
  SUITE,
  TOOL_NAME,
  TOOL_VERSION,
  VERSION,
} from "../../controller/domain/names.ts";
import { KERNEL_PACKAGE, PINNED_NAME, SNAPSHOT, archesOfKernel } from "../../controller/domain/pins.ts";
import { API_VERSION, type DiskImageRelease, type ReleaseSpec, type Target } from "../../controller/domain/release.ts";
import { judgeText, type TextRule } from "../../controller/domain/text-rule.ts";

/** Texts that a rule allows: from its pattern, cut to its length, and judged by the whole rule. */
export const textOfRule = (rule: TextRule): fc.Arbitrary<string> =>
  fc
    .stringMatching(rule.pattern)
    .map((text) => text.slice(0, rule.maxLength))
    .filter((text) => judgeText(rule, text) === undefined);

const kernelFor = (arch: Arch) =>
  textOfRule(KERNEL_PACKAGE).filter((name) => archesOfKernel(name).every((named) => named === arch));

const perArch = <T>(of: (arch: Arch) => fc.Arbitrary<T>): fc.Arbitrary<Record<Arch, T>> =>
  fc.record({ amd64: of("amd64"), arm64: of("arm64") }, { noNullPrototype: true });

const PAIRS = ARCHES.flatMap((arch) =>
  VARIANTS.filter((variant) => variantExistsFor(variant, arch)).map((variant) => ({ variant, arch })),
);

/** Targets without repeats; platforms only where they may stand, each once. */
const targets: fc.Arbitrary<Target[]> = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom(...PAIRS), { minLength: 1, maxLength: 14 }),
    fc.uniqueArray(textOfRule(PLATFORM_NAME), { maxLength: 4 }),
    fc.option(textOfRule(FIRMWARE_REF), { nil: undefined }),
  )
  .map(([pairs, platforms, firmwareRef]) => {
    const free = [...platforms];
    return pairs.map((pair) => {
      const platformName = IMG_VARIANTS.includes(pair.variant) ? free.pop() : undefined;
      return platformName === undefined
        ? pair
        : { ...pair, platformName, ...(firmwareRef === undefined ? {} : { firmwareRef }) };
    });
  });

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }, requiredKeys: (keyof T)[]) =>
  fc.record(model, { requiredKeys, noNullPrototype: true }) as fc.Arbitrary<T>;

const inputs = record<ReleaseSpec["inputs"]>(
  {
    distribution: record<ReleaseSpec["inputs"]["distribution"]>(
      {
        archive: textOfRule(LABEL_NAME),
        suite: textOfRule(SUITE),
        components: fc.uniqueArray(textOfRule(COMPONENT), { minLength: 1, maxLength: 8 }),
        snapshot: textOfRule(SNAPSHOT),
      },
      ["archive", "suite"],
    ),
    baseImage: textOfRule(PINNED_NAME),
    kernelPackage: perArch(kernelFor),
    packages: fc.uniqueArray(textOfRule(PACKAGE_NAME), { maxLength: 12 }),
    agent: perArch(() => textOfRule(PINNED_NAME)),
    sourceDateEpoch: fc.nat(0xffff_ffff),
    tools: fc.dictionary(textOfRule(TOOL_NAME), textOfRule(TOOL_VERSION), { maxKeys: 4, noNullPrototype: true }),
  },
  ["distribution", "kernelPackage", "sourceDateEpoch"],
);

/** Every kind of spec that a release may have. */
export const validSpec: fc.Arbitrary<ReleaseSpec> = record<ReleaseSpec>(
  {
    version: textOfRule(VERSION),
    className: textOfRule(LABEL_NAME),
    suspend: fc.boolean(),
    inputs,
    targets,
    builds: fc.integer({ min: 2, max: 5 }),
  },
  ["version", "className", "inputs", "targets"],
);

/** Every kind of release document. */
export const validRelease: fc.Arbitrary<DiskImageRelease> = fc
  .tuple(textOfRule(RELEASE_NAME), validSpec)
  .map(([name, spec]) => ({ apiVersion: API_VERSION, kind: "DiskImageRelease" as const, metadata: { name }, spec }));

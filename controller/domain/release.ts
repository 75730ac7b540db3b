import { z } from "zod";
import { canonicalJson, type Digest, digestOf } from "../../builders/contract/digest.ts";
import { ARCHES, Arch, IMG_VARIANTS, Variant, variantExistsFor } from "../../builders/contract/variant.ts";
import { crossRule, customIssue, entries, text, uniqueTexts } from "./fields.ts";
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
} from "./names.ts";
import { archesOfKernel, KERNEL_PACKAGE, PINNED_NAME, SNAPSHOT } from "./pins.ts";

/** Group and version of all our kinds. */
export const API_VERSION = "releases.powernode.io/v1alpha1";

/** Fewest and most runs that a spec or a class can ask for. */
export const RUNS = { min: 2, max: 5 } as const;

// The largest time stamp of a newc cpio: eight hex digits.
const MAX_EPOCH = 0xffff_ffff;

const DIGEST_EXAMPLE = `sha256:${"0123456789abcdef".repeat(4)}`;

const perArch = <T extends z.ZodType>(value: T, description: string, example: object) =>
  z
    .strictObject({ amd64: value.exactOptional(), arm64: value.exactOptional() })
    .meta({ description, examples: [example] });

const Distribution = z
  .strictObject({
    archive: text(LABEL_NAME, "Name of the package archive; the class maps it to addresses and a keyring.", "debian"),
    suite: text(SUITE, "Suite of that archive.", "trixie"),
    components: uniqueTexts(
      text(COMPONENT, "A component of the suite.", "main"),
      "component",
      { min: 1, max: 8 },
      { description: "Components of the suite; left out: main.", example: ["main"] },
    ).exactOptional(),
    snapshot: text(
      SNAPSHOT,
      "State of the archive that the lock is made from, UTC; left out: its state when the lock is made.",
      "20261101T000000Z",
    ).exactOptional(),
  })
  .meta({ description: "Where the packages come from, by name.", examples: [{ archive: "debian", suite: "trixie" }] });

const Inputs = z
  .strictObject({
    distribution: Distribution,
    baseImage: text(
      PINNED_NAME,
      "Bottom layer of the oci variant, pinned by digest; the class maps the name to a registry.",
      `ubuntu@${DIGEST_EXAMPLE}`,
    ).exactOptional(),
    kernelPackage: perArch(
      text(KERNEL_PACKAGE, "Kernel package with version, ABI and flavour.", "linux-image-6.12.48+deb13-amd64"),
      "The kernel package of each architecture that has a target.",
      { amd64: "linux-image-6.12.48+deb13-amd64" },
    ),
    packages: uniqueTexts(
      text(PACKAGE_NAME, "A package, by name only: the lock pins its version.", "openssh-server"),
      "package",
      { min: 0, max: 256 },
      { description: "Packages on top of the minimal bootable root.", example: ["openssh-server"] },
    ).exactOptional(),
    agent: perArch(
      text(
        PINNED_NAME,
        "The node agent, pinned by digest; the class maps the name to a source.",
        `powernode-agent@${DIGEST_EXAMPLE}`,
      ),
      "The node agent of each architecture that has a target; left out: the stand-in that imgrel ships.",
      { amd64: `powernode-agent@${DIGEST_EXAMPLE}` },
    ).exactOptional(),
    sourceDateEpoch: z
      .int()
      .min(0)
      .superRefine((seconds, context) => {
        if (seconds <= MAX_EPOCH) return;
        const remedy = `write seconds, for example ${Math.min(Math.floor(seconds / 1000), MAX_EPOCH)}`;
        context.addIssue(customIssue([], { message: `${seconds} is after 2106, so it may be milliseconds`, remedy }));
      })
      .meta({
        description: "Every time stamp in an artifact, in whole seconds since 1970.",
        examples: [1795392000],
        maximum: MAX_EPOCH,
      }),
    tools: entries(
      text(TOOL_NAME, "Package name of a tool.", "mmdebstrap"),
      text(TOOL_VERSION, "Its version, or the start of it.", "1.5.7"),
      { min: 0, max: 32 },
      { description: "Versions that build tools must have in the lock.", example: { mmdebstrap: "1.5.7" } },
    ).exactOptional(),
  })
  .check(
    crossRule(z.object({ kernelPackage: z.partialRecord(Arch, z.string()) }), ({ kernelPackage }, complain) => {
      for (const arch of ARCHES) {
        const other = archesOfKernel(kernelPackage[arch] ?? "").find((named) => named !== arch);
        if (other === undefined) continue;
        complain(["kernelPackage", arch], {
          message: `${kernelPackage[arch]} is a kernel for ${other}`,
          remedy: `name a kernel package for ${arch}`,
        });
      }
    }),
  )
  .meta({ description: "Everything that decides the bytes of the artifacts." });

const Target = z
  .strictObject({
    variant: Variant.meta({ description: "What is built.", examples: ["raw"] }),
    arch: Arch.meta({ description: "For which CPU architecture.", examples: ["amd64"] }),
    platformName: text(
      PLATFORM_NAME,
      "The platform that is told about this image; only variants that are one .img file can have it.",
      "ubuntu-24.04-rpi4",
    ).exactOptional(),
    firmwareRef: text(
      FIRMWARE_REF,
      "Firmware that the image is made for; passed on to the platform.",
      "rpi-1.20250305",
    ).exactOptional(),
  })
  .check(
    crossRule(z.object({ variant: Variant, arch: Arch }), ({ variant, arch }, complain) => {
      if (variantExistsFor(variant, arch)) return;
      complain(["arch"], { message: `${variant} does not exist for ${arch}`, remedy: "write arch: arm64" });
    }),
    crossRule(z.object({ variant: Variant, platformName: z.string() }), ({ variant }, complain) => {
      if (IMG_VARIANTS.includes(variant)) return;
      complain(["platformName"], {
        message: `${variant} is not a .img file, so the platform cannot take it`,
        remedy: `remove platformName, or put it on ${IMG_VARIANTS.join(", ")}`,
      });
    }),
  )
  .meta({ examples: [{ variant: "raw", arch: "amd64" }] });
export type Target = z.infer<typeof Target>;

// Loose on purpose: a mistake in one target must not hide what is wrong between the others.
const AnyTargets = z.array(
  z.object({
    variant: z.string().optional().catch(undefined),
    arch: z.string().optional().catch(undefined),
    platformName: z.string().optional().catch(undefined),
  }),
);
const AnyPerArch = z.record(z.string(), z.unknown());

export const ReleaseSpec = z
  .strictObject({
    version: text(VERSION, "Version of the release; it is never used twice.", "2026.11.23-1"),
    className: text(LABEL_NAME, "The DiskImageReleaseClass that decides gate, signer and destination.", "stable"),
    suspend: z
      .boolean()
      .meta({ description: "Holds the release where it stands; the only field that may change.", examples: [false] })
      .exactOptional(),
    inputs: Inputs,
    targets: z
      .array(Target)
      .min(1)
      .max(16)
      .meta({
        description: "What is built, each for one architecture.",
        examples: [[{ variant: "raw", arch: "amd64" }]],
      }),
    builds: z
      .int()
      .min(RUNS.min)
      .max(RUNS.max)
      .meta({
        description: "How many independent runs must give the same bytes; left out: as many as the class asks for.",
        examples: [2],
      })
      .exactOptional(),
  })
  .check(
    crossRule(z.object({ targets: AnyTargets }), ({ targets }, complain) => {
      for (const [index, first] of repeats(targets, ({ variant, arch }) => variant && arch && `${variant}/${arch}`)) {
        const { variant, arch } = targets[index] ?? {};
        complain(["targets", index], {
          message: `target ${variant} for ${arch} stands twice, first as entry ${first}`,
          remedy: "remove one of the two",
        });
      }
      for (const [index, first] of repeats(targets, ({ platformName }) => platformName)) {
        complain(["targets", index, "platformName"], {
          message: `platform ${targets[index]?.platformName} stands twice, first in entry ${first}`,
          remedy: "give each image a platform of its own: the platform takes one image per name and commit",
        });
      }
    }),
    crossRule(
      z.object({ targets: AnyTargets, inputs: z.object({ kernelPackage: AnyPerArch }) }),
      ({ targets, inputs }, complain) => {
        for (const arch of ARCHES) {
          const index = targets.findIndex((target) => target.arch === arch);
          if (index < 0 || inputs.kernelPackage[arch] !== undefined) continue;
          complain(["targets", index, "arch"], {
            message: `no kernel package is named for ${arch}`,
            remedy: `add ${arch} to spec.inputs.kernelPackage, or remove the target`,
          });
        }
      },
    ),
    crossRule(
      z.object({ targets: AnyTargets, inputs: z.object({ agent: AnyPerArch }) }),
      ({ targets, inputs }, complain) => {
        for (const arch of ARCHES) {
          const index = targets.findIndex((target) => target.arch === arch);
          if (index < 0 || inputs.agent[arch] !== undefined) continue;
          complain(["targets", index, "arch"], {
            message: `an agent is named, but none for ${arch}`,
            remedy: `add ${arch} to spec.inputs.agent: the stand-in never fills a gap`,
          });
        }
      },
    ),
  );
export type ReleaseSpec = z.infer<typeof ReleaseSpec>;

/** Pairs of (index, index of the first entry with the same key). */
function repeats<T>(list: readonly T[], keyOf: (entry: T) => string | undefined): [number, number][] {
  const keys = list.map(keyOf);
  return keys.flatMap((key, index): [number, number][] => {
    const first = keys.indexOf(key);
    return key !== undefined && key !== "" && first < index ? [[index, first]] : [];
  });
}

/**
 * A release as it stands in git, in specs/<release>/release.yaml: without namespace, source and status, which
 * the source sync and the controller fill (docs: specs/README.md).
 */
export const DiskImageRelease = z
  .strictObject({
    apiVersion: z.literal(API_VERSION).meta({ description: "Group and version.", examples: [API_VERSION] }),
    kind: z.literal("DiskImageRelease").meta({ description: "Kind.", examples: ["DiskImageRelease"] }),
    metadata: z
      .strictObject({ name: text(RELEASE_NAME, "Name of the release, the same as its folder's.", "demo") })
      .meta({ description: "Identity of the release.", examples: [{ name: "demo" }] }),
    spec: ReleaseSpec.meta({ description: "What is released." }),
  })
  .meta({ title: "DiskImageRelease", description: "One immutable release of bootable disk images." });
export type DiskImageRelease = z.infer<typeof DiskImageRelease>;

/** Keys that an object in a cluster has and its file must not, each with what to do. */
export const NOT_IN_RELEASE_FILES: Readonly<Record<string, string>> = {
  status: "remove it: the controller writes it",
  "spec.source": "remove it: the source sync fills it from the commit",
  "metadata.namespace": "remove it: a release lives in its source's namespace",
};

/** Architectures that a release has targets for, in the order of ARCHES. */
export const archesOf = (spec: ReleaseSpec): Arch[] =>
  ARCHES.filter((arch) => spec.targets.some((target) => target.arch === arch));

/** Variants that a release has for an architecture, in the spec's order. */
export const variantsFor = (spec: ReleaseSpec, arch: Arch): Variant[] =>
  spec.targets.filter((target) => target.arch === arch).map((target) => target.variant);

/** Components that packages are taken from: those of the spec, or main. */
export const componentsOf = (spec: ReleaseSpec): readonly string[] => spec.inputs.distribution.components ?? ["main"];

/**
 * What a release is, in one digest: the spec without the fields that may differ between equal releases
 * (suspend, source) and the digest of each lock. Equal digest, same release.
 */
export function specDigest(
  spec: ReleaseSpec & { readonly source?: unknown },
  lockDigests: Readonly<Partial<Record<Arch, Digest>>>,
): Digest {
  const { suspend: _suspend, source: _source, ...rest } = spec;
  return digestOf(canonicalJson({ spec: rest, lock: lockDigests }));
}

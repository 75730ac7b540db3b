import { addressFault } from "./names.ts";
import { quote } from "./problem.ts";
import type { Fault, TextRule } from "./text-rule.ts";
import { isMoment } from "./timestamp.ts";

const DAY_OF_YEAR =
  "(0[13578]|1[02])(0[1-9]|[12][0-9]|3[01])|(0[469]|11)(0[1-9]|[12][0-9]|30)|02(0[1-9]|1[0-9]|2[0-8])";
const LEAP_DAY = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)0229";

/** A moment of a package archive, UTC, as snapshot.debian.org and snapshot.ubuntu.com name it. */
export const SNAPSHOT: TextRule = {
  what: "a snapshot time",
  pattern: new RegExp(`^([0-9]{4}(${DAY_OF_YEAR})|${LEAP_DAY})T([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]Z$`),
  maxLength: 16,
  form: 'write YYYYMMDDTHHMMSSZ in UTC, for example "20261101T000000Z"',
  recognise: (text) =>
    /^[0-9]{8}T[0-9]{6}Z$/.test(text) && !isMoment(isoOf(text))
      ? { message: `${quote(text)} is no moment of the calendar`, remedy: "correct the month, day or time" }
      : undefined,
};

/** A text of the snapshot's form, as RFC 3339 writes it. */
const isoOf = (text: string): string => text.replace(/^(.{4})(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z");

const KERNEL_EXAMPLE = "for example linux-image-6.12.48+deb13-amd64 or linux-image-6.8.0-45-generic";

/** A kernel package with version, ABI and flavour, so that it is one build of one kernel for ever. */
export const KERNEL_PACKAGE: TextRule = {
  what: "a kernel package",
  pattern: /^linux-image-[0-9]+\.[0-9]+\.[0-9]+(-[0-9][0-9a-z.]*|\+deb[0-9]+(\.[0-9]+)?(-[0-9]+)?)(-[a-z0-9]+)+$/,
  maxLength: 128,
  form: `write linux-image-<version><ABI>-<flavour>, ${KERNEL_EXAMPLE}`,
  recognise: kernelFault,
  // what could be a flavour of digits is the revision of an ABI
  never: [
    {
      pattern: /\+deb[0-9]+(\.[0-9]+)?-[0-9]+$/,
      message: "names no flavour",
      remedy: `add the flavour, ${KERNEL_EXAMPLE}`,
    },
  ],
};

function kernelFault(text: string): Fault | undefined {
  const prefix = "linux-image-";
  const shown = quote(text);
  if (text.includes("=")) {
    return {
      message: `${shown} carries a package version`,
      remedy: `write ${text.slice(0, text.indexOf("="))}; the lock pins its version`,
    };
  }
  if (!text.startsWith(prefix)) {
    return { message: `${shown} is not a linux-image package`, remedy: `name the kernel itself, ${KERNEL_EXAMPLE}` };
  }
  const rest = text.slice(prefix.length);
  if (!/^[0-9]/.test(rest)) {
    return {
      message: `${shown} names no version and no ABI, so it floats with the archive`,
      remedy: `name version, ABI and flavour, ${KERNEL_EXAMPLE}`,
    };
  }
  if (/^[0-9]+\.[0-9]+(\.[0-9]+)?(-[a-z][a-z0-9]*)*$/.test(rest)) {
    return {
      message: `${shown} names no ABI, so it floats with the archive`,
      remedy: `name version, ABI and flavour, ${KERNEL_EXAMPLE}`,
    };
  }
  if (/^[0-9]+\.[0-9]+\.[0-9]+(-[0-9][0-9a-z.]*|\+deb[0-9]+(\.[0-9]+)?(-[0-9]+)?)$/.test(rest)) {
    return { message: `${shown} names no flavour`, remedy: `add the flavour, ${KERNEL_EXAMPLE}` };
  }
  return undefined;
}

/** A name that the class maps to a registry or directory, pinned by digest: baseImage, agent. */
export const PINNED_NAME: TextRule = {
  what: "a name pinned by digest",
  pattern: /^[a-z0-9][a-z0-9-]{0,62}@sha256:[0-9a-f]{64}$/,
  maxLength: 256,
  form: "write <name>@sha256:<64 lower-case hex digits>",
  recognise: pinFault,
  never: [
    { pattern: /^localhost@/, message: "names a host, not only a name", remedy: "write only a name before the digest" },
  ],
};

function pinFault(text: string): Fault | undefined {
  const shown = quote(text);
  const [name = "", digest, ...more] = text.split("@");
  if (more.length > 0) return undefined;
  if (digest === undefined) {
    if (text.startsWith("sha256:")) {
      return { message: `${shown} is a digest without a name`, remedy: "write <name>@sha256:<digest>" };
    }
    const tag = /^([a-z0-9-]+):([A-Za-z0-9._-]+)$/.exec(text);
    if (tag !== null) {
      return { message: `${shown} is a tag, so it floats`, remedy: `pin it: ${tag[1]}@sha256:<digest>` };
    }
    if (/^[a-z0-9-]+$/.test(text)) {
      return { message: `${shown} has no digest, so it floats`, remedy: `pin it: ${text}@sha256:<digest>` };
    }
    return addressFault(text);
  }
  const address = addressFault(name);
  if (address !== undefined) return address;
  if (!digest.startsWith("sha256:")) {
    return { message: `${quote(digest)} is not a sha256 digest`, remedy: `write ${name}@sha256:<digest>` };
  }
  const hex = digest.slice("sha256:".length);
  if (/^[0-9a-fA-F]*$/.test(hex) && hex.length !== 64) {
    return {
      message: `the digest has ${hex.length} hex digits`,
      remedy: "write all 64 hex digits of the sha256 digest",
    };
  }
  return undefined;
}

/** The architectures that a kernel package's flavour names: one for Debian's, none for Ubuntu's. */
export const archesOfKernel = (kernelPackage: string): string[] =>
  [...kernelPackage.matchAll(/-(amd64|arm64)(?=-|$)/g)].map(([, arch = ""]) => arch);

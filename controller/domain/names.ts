import { quote } from "./problem.ts";
import type { Fault, TextRule } from "./text-rule.ts";

const BY_NAME = "write only a name: addresses stand in the class";

/** Says which kind of address stands where a name belongs: a URL, a file path, a host, a tag or a digest. */
export function addressFault(text: string): Fault | undefined {
  const fault = (message: string): Fault => ({ message: `${quote(text)} ${message}`, remedy: BY_NAME });
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return fault("is a URL, not a name");
  if (/^[.~]{0,2}\//.test(text) || text.includes("\\")) return fault("is a file path, not a name");
  if (text.includes("@")) return fault("carries a digest or a user, not only a name");
  const [head = "", ...rest] = text.split("/");
  if (rest.length > 0) return fault(isHost(head) ? `names a host (${head}), not only a name` : "is a path, not a name");
  if (text.includes(":")) return fault("carries a tag or a port, not only a name");
  return isHost(text) ? fault("is a host, not a name") : undefined;
}

const isHost = (text: string): boolean =>
  text === "localhost" || /^[^:]+:[0-9]+$/.test(text) || /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(text);

const NO_HOST = [{ pattern: /^localhost$/, message: "is a host, not a name", remedy: BY_NAME }];
const NO_LOCK_SUFFIX = [
  { pattern: /\.lock$/, message: "ends in .lock, which a git ref may not", remedy: "leave out .lock" },
];

/** A name that the class or the cluster resolves (RFC 1123 label): className, archive, allowedClasses. */
export const LABEL_NAME: TextRule = {
  what: "a name",
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  maxLength: 63,
  form: "use lower-case letters, digits and hyphens, with a letter or digit at both ends",
  recognise: addressFault,
  never: NO_HOST,
};

/** metadata.name of a release: an object name, a label value, a folder, and the start of every OCI tag. */
export const RELEASE_NAME: TextRule = {
  what: "a release name",
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  maxLength: 63,
  form: "use lower-case letters, digits, hyphens and single dots, with a letter or digit at both ends",
  never: NO_LOCK_SUFFIX,
};

/** metadata.name of a class or source: an object name of Kubernetes (RFC 1123 subdomain). */
export const OBJECT_NAME: TextRule = { ...RELEASE_NAME, what: "an object name" };

/** spec.version: legal as an OCI tag, a git ref component and a label value at once. */
export const VERSION: TextRule = {
  what: "a version",
  pattern: /^[0-9A-Za-z]([0-9A-Za-z._-]{0,61}[0-9A-Za-z])?$/,
  maxLength: 63,
  form: "use letters, digits, dots, underscores and hyphens, with a letter or digit at both ends",
  recognise(text) {
    const illegal = /[^0-9A-Za-z._-]/.exec(text.trim())?.[0];
    if (illegal !== undefined) {
      return {
        message: `${quote(text)} holds ${quote(illegal)}, which an OCI tag may not`,
        remedy: "use letters, digits, dots, underscores and hyphens only",
      };
    }
    if (/^[._-]|[._-]$/.test(text)) {
      return {
        message: `${quote(text)} starts or ends with punctuation, which a label value may not`,
        remedy: "start and end with a letter or digit",
      };
    }
    return undefined;
  },
  never: [
    { pattern: /\.\./, message: 'holds "..", which a git ref may not', remedy: "use single dots" },
    ...NO_LOCK_SUFFIX,
  ],
};

/** A suite of a package archive. */
export const SUITE: TextRule = {
  what: "a suite",
  pattern: /^[a-z0-9][-a-z0-9]*$/,
  maxLength: 63,
  form: 'write the code name, for example "trixie"',
  recognise: addressFault,
  never: NO_HOST,
};

/** A component of a suite. */
export const COMPONENT: TextRule = {
  what: "a component",
  pattern: /^[a-z0-9][a-z0-9-]*$/,
  maxLength: 32,
  form: 'write its name in the archive, for example "main"',
  recognise: addressFault,
  never: NO_HOST,
};

/** A Debian package (Debian Policy 5.6.7). */
export const PACKAGE_NAME: TextRule = {
  what: "a package name",
  pattern: /^[a-z0-9][a-z0-9+.-]+$/,
  maxLength: 128,
  form: "use lower-case letters, digits, plus, dot and hyphen, at least two characters",
  recognise(text) {
    const name = /^[a-z0-9][a-z0-9+.-]+(?=[=:/ ])/.exec(text)?.[0];
    if (name === undefined) return undefined;
    if (text.startsWith(`${name}=`)) {
      return { message: `${quote(text)} carries a version`, remedy: `write ${name}; the lock pins its version` };
    }
    if (/^:(amd64|arm64|any|all)$/.test(text.slice(name.length))) {
      return {
        message: `${quote(text)} carries an architecture`,
        remedy: `write ${name}; targets name the architecture`,
      };
    }
    return undefined;
  },
  never: [
    {
      pattern: /^linux-image-/,
      message: "is a kernel",
      remedy: "name the kernel in kernelPackage only, per architecture",
    },
  ],
};

/** The name a tool has in the lock. */
export const TOOL_NAME: TextRule = {
  ...PACKAGE_NAME,
  what: "a tool's package name",
  recognise: () => undefined,
  never: [],
};

/** The start of a Debian version, without epoch and revision if they don't matter (Debian Policy 5.6.12). */
export const TOOL_VERSION: TextRule = {
  what: "a tool's version",
  pattern: /^([0-9]+:)?[0-9][A-Za-z0-9.+~-]*$/,
  maxLength: 128,
  form: 'write the version itself, for example "1.0.8"',
  recognise: (text) =>
    /^[<>=^~*]|\*/.test(text)
      ? { message: `${quote(text)} is a range, so it floats`, remedy: "write one version" }
      : undefined,
};

/** The name of a platform as the webhook's receiver knows it. */
export const PLATFORM_NAME: TextRule = {
  what: "a platform name",
  pattern: /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/,
  maxLength: 128,
  form: "use letters, digits, dots, underscores and hyphens, with a letter or digit at both ends",
};

/** The firmware that an image was made for, in the platform's own words. */
export const FIRMWARE_REF: TextRule = {
  what: "a firmware reference",
  pattern: /^[A-Za-z0-9][A-Za-z0-9.+~_:-]*$/,
  maxLength: 256,
  form: 'write a name with its version, for example "rpi-1.20250305"',
};

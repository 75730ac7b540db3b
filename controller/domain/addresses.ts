import { quote } from "./problem.ts";
import type { Fault, TextRule } from "./text-rule.ts";

/** What nobody sees in a text, inside a character class: spaces, control characters, marks of direction and the like. */
export const UNPRINTED = "\\p{Z}\\p{Cc}\\p{Cf}";

/** A port, 0 to 65535, as part of a pattern. */
export const PORT = "([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";
const OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
// a last label that starts with a digit would be read as a part of an IPv4 address (WHATWG URL, "ends in a number")
const DNS_NAME = "([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?\\.)*[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9_])?";
const URL_HOST = `(${DNS_NAME}|${OCTET}(\\.${OCTET}){3}|\\[[0-9A-Fa-f:.]+\\])(:${PORT})?`;
const PLAIN = `[^@?#{}${UNPRINTED}]`;
const HOST = "[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?";
const REPOSITORY_PATH = "[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*";

/** Says why a text is not an absolute http(s) URL that may stand in a log: no user, no query, no fragment. */
function urlFault(text: string): Fault | undefined {
  const shown = quote(text);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return { message: `${shown} has no scheme`, remedy: "write https://…" };
  if (scheme !== "https" && scheme !== "http") {
    return { message: `${shown} is ${scheme}, not https`, remedy: "write https://…" };
  }
  if (!URL.canParse(text)) return { message: `${shown} is not a URL`, remedy: "write https://<host>/<path>" };
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") {
    // the password itself is not repeated: messages end in logs
    return { message: "the URL carries credentials", remedy: "remove them and name a Secret instead" };
  }
  if (text.includes("?") || text.includes("#")) {
    return { message: "the URL has a query or a fragment", remedy: "remove it" };
  }
  return undefined;
}

/** An address of a service. http is refused elsewhere unless network.allowHTTP allows it. */
export const SERVICE_URL: TextRule = {
  what: "an https URL",
  pattern: new RegExp(`^https?://${URL_HOST}(/${PLAIN}*)?$`, "u"),
  maxLength: 512,
  form: "write https://<host>/<path>, without credentials, query and fragment",
  recognise: urlFault,
};

const PLACEHOLDER = "{timestamp}";

/** The address of an archive as it was at a moment. */
export const SNAPSHOT_TEMPLATE: TextRule = {
  what: "an https URL with one {timestamp}",
  pattern: new RegExp(`^https?://${URL_HOST}/${PLAIN}*\\{timestamp\\}${PLAIN}*$`, "u"),
  maxLength: 512,
  form: "write https://<host>/<path>/{timestamp}",
  recognise(text) {
    const count = text.split(PLACEHOLDER).length - 1;
    if (count !== 1) {
      return {
        message: `${quote(text)} has ${PLACEHOLDER} ${count} times`,
        remedy: `write ${PLACEHOLDER} exactly once`,
      };
    }
    return urlFault(text.replace(PLACEHOLDER, "timestamp"));
  },
};

/** Fields that hold a URL, by their key; network.allowHTTP decides whether http may stand there. */
export const URL_KEYS: ReadonlySet<string> = new Set(["url", "urlTemplate", "fulcioURL", "issuer"]);

/** A registry's host, with a port if need be. */
export const REGISTRY: TextRule = {
  what: "a registry",
  pattern: new RegExp(`^${HOST}$`),
  maxLength: 255,
  form: "write <host> or <host>:<port>, without scheme and path",
};

/** A repository inside a registry (OCI distribution-spec, "Pulling manifests"). */
export const REPOSITORY_NAME: TextRule = {
  what: "a repository name",
  pattern: new RegExp(`^${REPOSITORY_PATH}$`),
  maxLength: 255,
  form: "write its path in the registry, for example library/ubuntu",
};

/** A repository with its registry: no scheme, no tag, no digest. */
export const REPOSITORY: TextRule = {
  what: "a repository",
  pattern: new RegExp(`^${HOST}/${REPOSITORY_PATH}$`),
  maxLength: 512,
  form: "write <host>[:<port>]/<path>, without scheme, tag and digest",
  recognise: repositoryFault,
};

/** An image with its registry, pinned by digest. */
export const PINNED_IMAGE: TextRule = {
  what: "an image pinned by digest",
  pattern: new RegExp(`^${HOST}/${REPOSITORY_PATH}@sha256:[0-9a-f]{64}$`),
  maxLength: 600,
  form: "write <host>[:<port>]/<path>@sha256:<64 lower-case hex digits>",
  recognise: (text) =>
    text.includes("@")
      ? undefined
      : { message: `${quote(text)} has no digest, so it floats`, remedy: "pin it: append @sha256:<digest>" },
};

function repositoryFault(text: string): Fault | undefined {
  const remedy = "write <host>[:<port>]/<path> only";
  if (text.includes("://")) return { message: `${quote(text)} has a scheme`, remedy };
  if (text.includes("@")) return { message: `${quote(text)} has a digest`, remedy };
  if (/\/[^/]*:[^/]*$/.test(text)) return { message: `${quote(text)} has a tag`, remedy };
  return undefined;
}

/** A git repository: https, http where allowed, ssh, or a folder for the local process. */
export const GIT_URL: TextRule = {
  what: "a git repository",
  pattern: new RegExp(
    `^(https?://${URL_HOST}/${PLAIN}+|ssh://([A-Za-z0-9._-]+@)?[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?/[^?#${UNPRINTED}]+|` +
      `\\.{0,2}/[^:${UNPRINTED}]+)$`,
    "u",
  ),
  maxLength: 512,
  form: "write https://<host>/<path>, ssh://git@<host>/<path>, or ./<folder> for the local process",
  recognise(text) {
    const short = /^([A-Za-z0-9._-]+@[A-Za-z0-9.-]+):(?!\/\/)(.+)$/.exec(text);
    if (short !== null) {
      return { message: `${quote(text)} is ssh's short form`, remedy: `write ssh://${short[1]}/${short[2]}` };
    }
    if (/^[a-z0-9]+::/i.test(text)) {
      return { message: `${quote(text)} names a remote helper, which runs programs`, remedy: GIT_URL.form };
    }
    if (/^ssh:\/\/[^/]*:[^/]*@/.test(text)) {
      return { message: "the URL carries credentials", remedy: "remove them and name a Secret in credentialsRef" };
    }
    if (text.startsWith("ssh://") || /^\.{0,2}\//.test(text)) return undefined;
    if (/^[a-z][a-z0-9+.-]*:/i.test(text)) {
      const fault = urlFault(text);
      return fault?.remedy === "write https://…" ? { ...fault, remedy: GIT_URL.form } : fault;
    }
    return undefined;
  },
};

import type { ResolveRequest } from "../../../builders/contract/package-request.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { UpdateFailure } from "./apt-output.ts";

/** A source that was tried in vain. */
export type Tried = {
  readonly kind: string;
  /** undefined where the class's source led to no address at all */
  readonly base: URL | undefined;
  readonly failure: { readonly kind: UpdateFailure["kind"] | "unusable"; readonly reason: string };
};

/** A URL as people may see it: a password in the machine's apt sources stays there. */
const shown = (url: URL | undefined): string => {
  if (url === undefined) return "";
  const copy = new URL(url);
  copy.username = "";
  copy.password = "";
  return ` ${copy.href}`;
};

/** What a request needs, for messages: `debian trixie and forky for amd64`. */
export function describeRequest(request: ResolveRequest): string {
  const suites = new Set([request.suite, ...request.rolling.map((entry) => entry.suite)]);
  return `${request.archive} ${[...suites].join(" and ")} for ${request.arch}`;
}

/** The error for `what`, which no source could serve: every source with its kind, address and reason. */
export function unavailable(what: string, tried: readonly Tried[]): ReleaseError {
  const list = tried.map(({ kind, base, failure }) => `\n  ${kind}${shown(base)}: ${failure.reason}`).join("");
  if (tried.some(({ failure }) => failure.kind === "signature")) {
    return new ReleaseError(
      "SignatureInvalid",
      `no source serves ${what} with a signature by the archive's keyring:${list}`,
      "check the archive's keyring in the class; if it is right, do not trust the source and ask whoever runs it",
    );
  }
  return new ReleaseError(
    "ArchiveUnavailable",
    `no source serves ${what}:${list}`,
    "check the network and the archive's sources in the class; imgrel uses no other source than these",
  );
}

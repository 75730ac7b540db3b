import { type FaultCode, ReleaseError } from "../../domain/errors.ts";
import { redactText } from "../redact.ts";

const MAX_LINES = 5;
const MAX_LENGTH = 500;

/** The first lines of what somebody else wrote, fit for a message: no control characters, no credentials. */
const excerpt = (lines: readonly string[]): string =>
  lines
    .map((line) =>
      redactText(line)
        .replaceAll(/\p{C}+/gu, " ")
        .trim(),
    )
    .filter((line) => line !== "")
    .slice(0, MAX_LINES)
    .join("; ")
    .slice(0, MAX_LENGTH);

const linesOf = (said: string): string[] => said.split(/[\n\r]+/);

/** What a server printed while it took a push. */
const byServer = (said: string): string[] =>
  linesOf(said).flatMap((line) => (line.startsWith("remote: ") ? [line.slice("remote: ".length)] : []));

/** Lines that git adds to whatever went wrong. */
const ADVICE = /^hint: |^(fatal: )?Could not read from remote|^Please make sure you have|^and the repository exists/;

type Known = { readonly says: RegExp; readonly code: FaultCode; readonly remedy: string };

/** Answers that no retry changes. All else may be a fault of the network or of a busy server. */
const PERMANENT: readonly Known[] = [
  {
    says: /authentication failed|could not read (username|password)|returned error: 40[13]\b|permission denied|access denied/i,
    code: "Unauthorized",
    remedy: "give credentials that may read and write this repository",
  },
  {
    says: /host key verification failed/i,
    code: "Unauthorized",
    remedy: "put the server's host key into known_hosts, after asking its owner what it is",
  },
  {
    says: /certificate|SSL CA/i,
    code: "RepositoryUnusable",
    remedy: "name the CA that signed the server's certificate",
  },
  {
    says: /returned error: 30[0-9]\b|redirect/i,
    code: "RepositoryUnusable",
    remedy: "write the address that it redirects to: redirects are not followed",
  },
  {
    says: /not found|does not appear to be a git repository|does not exist|not allowed|is not supported/i,
    code: "RepositoryUnusable",
    remedy: "check the address, and that a git repository is there",
  },
];

/** The error for a git command that failed on a remote repository; `said` is git's standard error. */
export function remoteFault(label: string, said: string): ReleaseError {
  const lines = linesOf(said).filter((line) => !ADVICE.test(line));
  const words = excerpt(lines.map((line) => line.replace(/^(fatal|error|remote|ssh): /, "")));
  const known = PERMANENT.find(({ says }) => lines.some((line) => says.test(line)));
  return new ReleaseError(
    known?.code ?? "RepositoryUnavailable",
    `${label}: ${words}`,
    known?.remedy ?? "try again later; check the address and the network if that lasts",
  );
}

/** One ref that was not pushed (builtin/push.c, transport.c): who refused, and why. */
const REFUSED = /^ ! \[(rejected|remote rejected)\] .*\((.+)\)$/m;

/** Reasons of a server that another writer moved or holds the ref (receive-pack.c, refs.c), of old and new versions. */
const OVERTAKEN = /failed to (update|lock)( ref)?|cannot lock ref|incorrect old value|reference already exists/;

/** What came of a push that failed: another writer was faster, or an error; `said` is git's standard error. */
export function pushFault(label: string, said: string): "overtaken" | ReleaseError {
  const [, by, why = ""] = REFUSED.exec(said) ?? [];
  // nothing but a fast-forward is ever pushed: what git refuses itself is that the branch is elsewhere by now
  if (by === "rejected" || (by !== undefined && OVERTAKEN.test(why))) return "overtaken";
  if (by === undefined || /unpack/.test(why)) return remoteFault(label, said);
  return new ReleaseError(
    "PushDeclined",
    `${label} declined the commit (${excerpt([why])}): ${excerpt(byServer(said)) || "the server does not say why"}`,
    "let this key or account push to the branch, or change what the server's rule asks for",
  );
}

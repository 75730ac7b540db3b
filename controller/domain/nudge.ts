/** Header fields as Node gives them: names in lower case. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Where forges write HMAC-SHA256 of a request's body, in hex: GitHub (Gitea and Forgejo too), then Gitea's own form. */
const SIGNATURES: Readonly<Record<string, RegExp>> = {
  "x-hub-signature-256": /^sha256=([0-9a-f]{64})$/i,
  "x-gitea-signature": /^([0-9a-f]{64})$/i,
};

/** What a request claims to be the HMAC-SHA256 of its body: 64 lower-case hex digits each. Malformed ones are left out. */
export const claimedSignatures = (headers: Headers): readonly string[] =>
  Object.entries(SIGNATURES).flatMap(([name, form]) => {
    const value = headers[name];
    const found = typeof value === "string" ? form.exec(value)?.[1] : undefined;
    return found === undefined ? [] : [found.toLowerCase()];
  });

/** The source that a request's target names, `/hooks/<source>`; undefined: it is none of ours. The query is ignored. */
export const nudgedSource = (target: string): string | undefined =>
  /^\/hooks\/([a-z0-9][a-z0-9.-]{0,252})(?:\?.*)?$/s.exec(target)?.[1];

/** What is wrong with the key of a webhook; undefined: nothing. Whoever knows no key must not be able to sign. */
export function nudgeKeyFault(key: string): string | undefined {
  if (key === "") return "is empty";
  return /[\r\n]$/.test(key) ? "ends with a line break, which forges would not send" : undefined;
}

/** Milliseconds: a source is looked at for its webhook no more often than this. */
const NUDGE_PAUSE = 5000;

/**
 * When the nudge that came `now` is passed on; undefined: one that is still to be passed on says the same.
 * @param last when the one before was, or will be; undefined: there was none (milliseconds of one monotonic clock)
 */
export function passNudgeAt(last: number | undefined, now: number): number | undefined {
  if (last === undefined) return now;
  return last > now ? undefined : Math.max(now, last + NUDGE_PAUSE);
}

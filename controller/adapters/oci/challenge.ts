/** One way to authenticate that a server offers. `scheme` and names of parameters are in lower case. */
export type Challenge = { readonly scheme: string; readonly parameters: ReadonlyMap<string, string> };

/** Longest header that is read: no regular expression runs on a text of unbounded length. */
const MAX_LENGTH = 8192;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** A parameter `name=token` or `name="quoted"`, with the comma before it; or the scheme that a challenge begins with. */
const PARAMETER = new RegExp(`^[ \\t,]*(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))[ \\t]*(?=,|$)`);
const SCHEME = new RegExp(`^[ \\t,]*(${TOKEN})(?:[ \\t]+|(?=,)|$)`);

/** Challenges of a WWW-Authenticate header (RFC 9110, 11.6.1), up to the first thing that is none. Never throws. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let rest = header.slice(0, MAX_LENGTH);
  for (;;) {
    const current = challenges.at(-1);
    const parameter = current === undefined ? null : PARAMETER.exec(rest);
    const scheme = parameter === null ? SCHEME.exec(rest) : null;
    if (parameter !== null) {
      const [, name = "", quoted, token = ""] = parameter;
      current?.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/gs, "$1") ?? token);
    } else if (scheme !== null) {
      challenges.push({ scheme: (scheme[1] ?? "").toLowerCase(), parameters: new Map() });
    } else return challenges;
    rest = rest.slice((parameter ?? scheme)?.[0].length);
  }
}

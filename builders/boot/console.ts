import type { BootRequest } from "../contract/boot.ts";
import type { Variant } from "../contract/variant.ts";

/** What the console shows so far. */
export type Verdict =
  | { readonly state: "running" }
  | { readonly state: "passed"; readonly agentLine: string }
  | { readonly state: "failed"; readonly reason: string; readonly agentLine: string | null };

/** Where each variant's root image must lie for its boot to count (platform contract, root table). */
const BACKING: Partial<Record<Variant, string>> = { "kernel-initrd": "embedded:/powernode/root.erofs" };

const AGENT = "powernode-agent (stand-in): ";
const REFUSED = "powernode: BOOT REFUSED: ";
const REFUSAL_END = /^powernode: =+$/;
// the whole phrase: the word alone stands in command lines
const PANIC = /Kernel panic - not syncing: .*/;

// ECMA-48 control sequences and single control characters, as consoles mix into lines
// oxlint-disable-next-line no-control-regex -- control characters are what it removes
const CONTROL = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[@-Z\\-_])|[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** A console line as people read it: without escape sequences and trailing blanks. */
export const plainLine = (line: string): string => line.replaceAll(CONTROL, "").trimEnd();

/** The agent's report as fields, from `… (stand-in): key=value key=value`; null if the line holds none. */
export function agentFields(line: string): { text: string; fields: ReadonlyMap<string, string> } | null {
  const start = line.indexOf(AGENT);
  if (start < 0) return null;
  const text = line.slice(start);
  const pairs = text
    .slice(AGENT.length)
    .split(" ")
    .map((word): [string, string] => {
      const at = word.indexOf("=");
      return at < 0 ? [word, ""] : [word.slice(0, at), word.slice(at + 1)];
    });
  return { text, fields: new Map(pairs) };
}

/** The fields that prove a boot, with the values they must have. */
export const expectedFields = (request: BootRequest): ReadonlyMap<string, string> =>
  new Map([
    ["state", "multi-user"],
    ["identity", request.identity],
    ["identity-source", "fw-cfg"],
    ["root", "overlay"],
    ["over-lower", "yes"],
    ["lower", "erofs:ro"],
    ["backing", BACKING[request.variant] ?? "(unknown variant)"],
    ["fsverity", request.rootDigest],
  ]);

/**
 * Reads a booting machine's console line by line. Only the agent's own report decides that a boot passed, and only if
 * every field has the expected value; a login prompt is no proof.
 */
export function readConsole(request: BootRequest): (line: string) => Verdict {
  const expected = expectedFields(request);
  let refusal: string[] | undefined;
  let verdict: Verdict = { state: "running" };
  return (raw) => {
    if (verdict.state !== "running") return verdict;
    const line = plainLine(raw);
    if (refusal !== undefined && REFUSAL_END.test(line)) {
      verdict = { state: "failed", reason: `the initramfs refused to boot: ${refusal.join("; ")}`, agentLine: null };
      return verdict;
    }
    if (refusal !== undefined) refusal.push(line.replace(/^powernode:\s*/, ""));
    const at = line.indexOf(REFUSED);
    if (at >= 0) refusal = [line.slice(at + REFUSED.length)];
    const panic = PANIC.exec(line);
    if (panic !== null) verdict = { state: "failed", reason: panic[0], agentLine: null };
    const agent = agentFields(line);
    if (agent !== null) {
      const wrong = [...expected].filter(([key, value]) => agent.fields.get(key) !== value);
      verdict =
        wrong.length === 0
          ? { state: "passed", agentLine: agent.text }
          : {
              state: "failed",
              reason: wrong
                .map(
                  ([key, value]) =>
                    `${key}: expected ${value}, the agent reports ${agent.fields.get(key) ?? "nothing"}`,
                )
                .join("; "),
              agentLine: agent.text,
            };
    }
    return verdict;
  };
}

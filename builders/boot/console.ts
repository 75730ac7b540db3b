import type { BootRequest } from "../contract/boot.ts";

/** What the console shows so far. */
export type Verdict =
  | { readonly state: "running" }
  | { readonly state: "passed"; readonly agentLine: string }
  | { readonly state: "failed"; readonly reason: string; readonly agentLine: string | null };

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
    ["backing", request.backing],
    ["fsverity", request.rootDigest],
  ]);

/** What `persist=type:access:MiB` lacks; null if the file system is there, writable and large enough. */
export function persistFault(reported: string | undefined, leastMiB: number): string | null {
  const [, size = ""] = /^ext4:rw:([0-9]+)$/.exec(reported ?? "") ?? [];
  if (size !== "" && Number(size) >= leastMiB) return null;
  return `persist: expected ext4:rw: and at least ${leastMiB} MiB, the agent reports ${reported ?? "nothing"}`;
}

/** Everything in the agent's report that is not as the request says. */
function faultsOf(request: BootRequest, fields: ReadonlyMap<string, string>): string[] {
  const wrong = [...expectedFields(request)]
    .filter(([key, value]) => fields.get(key) !== value)
    .map(([key, value]) => `${key}: expected ${value}, the agent reports ${fields.get(key) ?? "nothing"}`);
  const persist = request.disk === null ? null : persistFault(fields.get("persist"), request.disk.persistMiB);
  return persist === null ? wrong : [...wrong, persist];
}

/**
 * Reads a booting machine's console line by line. Only the agent's own report decides that a boot passed, and only if
 * every field has the expected value; a login prompt is no proof.
 */
export function readConsole(request: BootRequest): (line: string) => Verdict {
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
      const faults = faultsOf(request, agent.fields);
      verdict =
        faults.length === 0
          ? { state: "passed", agentLine: agent.text }
          : { state: "failed", reason: faults.join("; "), agentLine: agent.text };
    }
    return verdict;
  };
}

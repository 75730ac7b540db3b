import type { Arch } from "../../builders/contract/variant.ts";
import type { ClassSpec } from "./class.ts";
import type { DecidedCondition } from "./decide.ts";
import { nodeSelector, SPREAD_LABEL } from "./jobs/node-selector.ts";

/** The labels of one node. */
export type NodeLabels = Readonly<Record<string, string>>;

/** What a release asks of nodes; `runs`: builds of each architecture. */
export type Wanted = {
  readonly arches: readonly Arch[];
  readonly runs: number;
  readonly class: Pick<ClassSpec, "build" | "gate">;
};

const count = (nodes: number): string => `${nodes} ${nodes === 1 ? "node" : "nodes"}`;

/**
 * Why no cluster of these nodes can build a release (release-api.md 3.3); null: it can. Pure. Whether a node has room, is
 * ready or takes pods at all passes by itself, and is the scheduler's to say.
 */
export function preflight(nodes: readonly NodeLabels[], { arches, runs, class: of }: Wanted): DecidedCondition | null {
  const { nodeSelector: own = {}, emulation } = of.build;
  const found = arches.map((arch) => {
    const selector = Object.entries(nodeSelector({ nodeSelector: own, emulation }, arch));
    const fitting = nodes.filter((labels) => selector.every(([key, value]) => labels[key] === value));
    const asked = selector.length === 0 ? "with any labels" : `with ${selector.map((one) => one.join("=")).join(", ")}`;
    return { arch, fitting, asked };
  });
  const none = found.flatMap(({ arch, fitting, asked }) =>
    fitting.length > 0 ? [] : [`no node can build for ${arch}: there is none ${asked} among ${count(nodes.length)}`],
  );
  if (none.length > 0) return { type: "Admitted", reason: "NoNodeForArch", message: none.join("; ") };
  if (of.gate.spread === "Prefer") return null;
  const few = found.flatMap(({ arch, fitting, asked }) => {
    // the scheduler spreads runs over the values of this label, and uses no node without it
    const places = new Set(fitting.flatMap((labels) => labels[SPREAD_LABEL] ?? []));
    if (places.size >= runs) return [];
    return [
      `${runs} runs of ${arch} must be on different nodes: ${places.size === 1 ? "there is" : "there are"} ${count(places.size)} ${asked}`,
    ];
  });
  return few.length === 0 ? null : { type: "Admitted", reason: "NotEnoughNodes", message: few.join("; ") };
}

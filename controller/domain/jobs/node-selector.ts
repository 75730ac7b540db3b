import type { Arch } from "../../../builders/contract/variant.ts";
import type { JobSettings } from "./job-settings.ts";

/** Runs that must be on different nodes are on nodes with different values of this label. */
export const SPREAD_LABEL = "kubernetes.io/hostname";

/** What a class says about the nodes of its pods. */
export type NodeChoice = Pick<JobSettings, "nodeSelector" | "emulation">;

/** The labels that a node must have for pods of an architecture; all pods of a release ask for the same. */
export const nodeSelector = ({ nodeSelector: own, emulation }: NodeChoice, arch: Arch): Record<string, string> => ({
  ...own,
  ...(emulation === "Allow" ? {} : { "kubernetes.io/arch": arch }),
});

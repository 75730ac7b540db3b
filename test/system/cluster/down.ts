import { rm } from "node:fs/promises";
import { endMarked } from "../../../builders/host/orphans.ts";
import { removeGroups } from "./cgroups.ts";
import { clusterFolder, MARK } from "./cluster.ts";

/**
 * Ends a cluster, whatever state it is in, and leaves nothing of it: no process, and with them no namespace, mount or
 * interface; no control group, no file. One that is not there is fine.
 * @throws ReleaseError Usage if no cluster can have this name
 */
export async function takeDown(name: string, signal: AbortSignal): Promise<void> {
  const folder = clusterFolder(name);
  await endMarked(`${MARK}=${folder}`, signal);
  await removeGroups(name, signal);
  await rm(folder, { recursive: true, force: true });
}

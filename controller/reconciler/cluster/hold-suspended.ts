import type { ClusterClass, ClusterRelease } from "../../domain/cluster-objects.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { oneLine } from "../../domain/format.ts";
import { MESSAGE } from "../../domain/release-status.ts";
import { nextAfterFault, type Outcome } from "../outcome.ts";
import type { ReleaseOpener } from "./release-opener.ts";
import type { ToldRelease } from "./told-release.ts";

/** Milliseconds until the Jobs of a release that is suspended are looked at once more: one may have been under way. */
const SUSPEND_CHECK = 10_000;
/** Milliseconds until Jobs are tried again that the cluster refuses to suspend. */
const SUSPEND_RETRY = 60_000;

/** Holds a suspended release where it stands, and its Jobs with it. */
export async function holdSuspended(
  { opener, isLeader }: { readonly opener: Pick<ReleaseOpener, "suspend">; readonly isLeader: () => boolean },
  release: ClusterRelease,
  ofClass: ClusterClass | undefined,
  told: ToldRelease,
  signal: AbortSignal,
): Promise<Outcome> {
  const wasTold = release.status.conditions?.some(({ type, reason }) => type === "Ready" && reason === "Suspended");
  let suspended = 0;
  try {
    if (release.held && isLeader()) suspended = await opener.suspend(release, ofClass, signal);
  } catch (fault) {
    if (signal.aborted || !isLeader()) throw fault;
    const text = fault instanceof ReleaseError ? `${fault.message} (${fault.remedy})` : String(fault);
    told.known.notHeld = oneLine(text).slice(0, MESSAGE);
    await told.end().catch(() => undefined); // the fault itself is told to whoever asked
    if (nextAfterFault(fault).kind === "retry") throw fault;
    return { kind: "again", after: SUSPEND_RETRY };
  }
  if (!isLeader()) return { kind: "done" }; // the status is that of the one who leads
  await told.end();
  return wasTold === true && suspended === 0 ? { kind: "done" } : { kind: "again", after: SUSPEND_CHECK };
}

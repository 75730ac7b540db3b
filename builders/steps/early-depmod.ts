import type { Outcome } from "../host/exec.ts";

/** Follows an installation, and gives depmod's outcome in the end. */
export type EarlyDepmod = {
  /** wants every line that dpkg prints */
  readonly notice: (line: string) => void;
  /** waits for depmod, and runs it now if it did not do its work yet */
  readonly done: () => Promise<Outcome>;
};

/** dpkg has gone on to another package. */
const NEXT = /^(Selecting previously|Preparing to unpack|Setting up|Processing triggers) /;

/**
 * Starts depmod as soon as the packages of a kernel are unpacked, beside all else that dpkg has to do: it decompresses
 * every module, which takes as long as the configuration of all packages, and needs none of it. Where that was too
 * early, since kmod was not unpacked yet, it is done again in the end.
 * @param kernel its version
 * @param run runs depmod for it
 */
export function earlyDepmod(kernel: string, run: () => Promise<Outcome>): EarlyDepmod {
  let unpacking = false;
  let early: Promise<Outcome | undefined> | undefined;
  const notice = (line: string): void => {
    if (line.startsWith("Unpacking linux-") && line.includes(kernel)) unpacking = true;
    else if (unpacking && NEXT.test(line)) early ??= run().catch(() => undefined);
  };
  return { notice, done: async () => (await early) ?? run() };
}

import type { Lock } from "../../builders/contract/lock.ts";
import { ReleaseError } from "./errors.ts";

/** Whether a dpkg version is the wanted one or begins with it at a border: 1.5 fits 1.5.7-1, and not 1.51. */
function fits(version: string, wanted: string): boolean {
  const plain = version.replace(/^[0-9]+:/, "");
  return [version, plain].some(
    (text) => text === wanted || (text.startsWith(wanted) && /^[^0-9A-Za-z]/.test(text.slice(wanted.length))),
  );
}

/**
 * Checks that the locks of a release have the tools in the versions that its spec names (spec.inputs.tools). A tool is
 * a package of the toolchain's lock or, like dracut, of the release's own.
 * @throws ReleaseError ToolchainMismatch naming each tool with both versions
 */
export function checkToolVersions(tools: Readonly<Record<string, string>>, locks: readonly Lock[]): void {
  const faults = Object.entries(tools).flatMap(([name, wanted]) => {
    const found = locks.flatMap((lock) => lock.packages.filter((locked) => locked.name === name));
    if (found.length === 0) return [`${name} ${wanted} is asked for, no lock has ${name}`];
    const other = found.find((locked) => !fits(locked.version, wanted));
    return other === undefined ? [] : [`${name} ${wanted} is asked for, the lock has ${other.version}`];
  });
  if (faults.length === 0) return;
  throw new ReleaseError(
    "ToolchainMismatch",
    `the locked tools are not those of spec.inputs.tools: ${faults.join("; ")}`,
    "correct spec.inputs.tools, or use a checkout of imgrel whose toolchain has these versions",
  );
}

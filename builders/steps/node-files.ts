import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StepContext } from "./tool.ts";

const MODULE = "usr/lib/dracut/modules.d/90powernode";
const UNITS = "usr/lib/systemd/system";

/** What goes where in the root, from imgrel's modules.d/90powernode. Modes are ours: a checkout's vary with its umask. */
const FILES: readonly { readonly name: string; readonly target: string; readonly mode: number }[] = [
  { name: "module-setup.sh", target: `${MODULE}/module-setup.sh`, mode: 0o755 },
  { name: "powernode-lib.sh", target: `${MODULE}/powernode-lib.sh`, mode: 0o644 },
  { name: "powernode-disk.sh", target: `${MODULE}/powernode-disk.sh`, mode: 0o644 },
  { name: "parse-powernode.sh", target: `${MODULE}/parse-powernode.sh`, mode: 0o755 },
  { name: "mount-powernode.sh", target: `${MODULE}/mount-powernode.sh`, mode: 0o755 },
  { name: "powernode-agent", target: "usr/sbin/powernode-agent", mode: 0o755 },
  { name: "powernode-agent.service", target: `${UNITS}/powernode-agent.service`, mode: 0o644 },
  { name: "powernode-grow-persist", target: "usr/lib/powernode/grow-persist", mode: 0o755 },
  { name: "powernode-grow-persist.service", target: `${UNITS}/powernode-grow-persist.service`, mode: 0o644 },
];

/** Units that start with a target. */
const ENABLED = [
  { unit: "powernode-agent.service", target: "multi-user.target" },
  { unit: "powernode-grow-persist.service", target: "local-fs.target" },
];

/**
 * Puts into `<work>/root` what makes it a Powernode node: the dracut module, the agent (the stand-in that imgrel
 * ships), what grows persist, the enabled units, and the mount point.
 */
export async function addNodeFiles(context: StepContext): Promise<void> {
  const root = join(context.work, "root");
  for (const folder of [MODULE, "usr/lib/powernode", "persist"]) await mkdir(join(root, folder), { recursive: true });
  for (const { name, target, mode } of FILES) {
    const content = await readFile(join(context.project, "modules.d/90powernode", name));
    await rm(join(root, target), { force: true });
    await writeFile(join(root, target), content, { mode });
  }
  for (const { unit, target } of ENABLED) {
    const wants = join(root, UNITS, `${target}.wants`);
    await mkdir(wants, { recursive: true });
    await symlink(`../${unit}`, join(wants, unit));
  }
}

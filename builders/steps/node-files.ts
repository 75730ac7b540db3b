import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StepContext } from "./tool.ts";

const MODULE = "usr/lib/dracut/modules.d/90powernode";
const UNITS = "usr/lib/systemd/system";

/** What goes where in the root, from imgrel's modules.d/90powernode. Modes are ours: a checkout's vary with its umask. */
const FILES: readonly { readonly name: string; readonly target: string; readonly mode: number }[] = [
  { name: "module-setup.sh", target: `${MODULE}/module-setup.sh`, mode: 0o755 },
  { name: "powernode-lib.sh", target: `${MODULE}/powernode-lib.sh`, mode: 0o644 },
  { name: "parse-powernode.sh", target: `${MODULE}/parse-powernode.sh`, mode: 0o755 },
  { name: "mount-powernode.sh", target: `${MODULE}/mount-powernode.sh`, mode: 0o755 },
  { name: "powernode-agent", target: "usr/sbin/powernode-agent", mode: 0o755 },
  { name: "powernode-agent.service", target: `${UNITS}/powernode-agent.service`, mode: 0o644 },
];

/**
 * Puts into `<work>/root` what makes it a Powernode node: the dracut module, the agent (the stand-in that imgrel
 * ships) and its enabled unit.
 */
export async function addNodeFiles(context: StepContext): Promise<void> {
  const root = join(context.work, "root");
  const wants = join(root, UNITS, "multi-user.target.wants");
  await mkdir(join(root, MODULE), { recursive: true });
  await mkdir(wants, { recursive: true });
  for (const { name, target, mode } of FILES) {
    const content = await readFile(join(context.project, "modules.d/90powernode", name));
    await rm(join(root, target), { force: true });
    await writeFile(join(root, target), content, { mode });
  }
  await symlink("../powernode-agent.service", join(wants, "powernode-agent.service"));
}

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "../contract/build-failure.ts";
import type { Lock } from "../contract/lock.ts";
import { runTool, type StepContext } from "./tool.ts";

/** Documentation that no booted node reads; copyright files stay, as the licences ask. */
const TARGET_EXCLUDES = [
  "path-exclude=/usr/share/man/*",
  "path-exclude=/usr/share/doc/*",
  "path-include=/usr/share/doc/*/copyright",
  "path-exclude=/usr/share/locale/*",
  "path-exclude=/usr/share/info/*",
];

/** dpkg's own record against the lock: exactly these packages, each configured. */
async function checkInstalled(context: StepContext, lock: Lock, root: string): Promise<void> {
  const format = "${Package} ${Version} ${Architecture} ${db:Status-Status}\\n";
  const { stdout } = await runTool(context, {
    step: "root",
    program: "dpkg-query",
    args: [`--admindir=${join(root, "var/lib/dpkg")}`, "--show", `--showformat=${format}`],
  });
  const found = new Set(stdout.trimEnd().split("\n"));
  const wanted = new Set(lock.packages.map(({ name, version, arch }) => `${name} ${version} ${arch} installed`));
  const differing = [...found.symmetricDifference(wanted)].toSorted();
  if (differing.length === 0) return;
  throw new BuildError({
    code: "OutputInvalid",
    step: "root",
    message: `the installed packages are not those of the lock: ${differing.slice(0, 8).join("; ")}`,
    remedy: "make the lock anew with imgrel lock; if it happens again, a package configures itself wrongly offline",
  });
}

/**
 * mmdebstrap's arguments for exactly the packages of a lock, from an offline repository into the folder `root`. No
 * mount and no privilege beyond the builder's eight capabilities.
 */
export function mmdebstrapArguments(lock: Lock, repository: string, root: string): string[] {
  const [suite] = lock.suites;
  const excludes = lock.kind === "release" ? TARGET_EXCLUDES : [];
  return [
    ...["--mode=root", "--variant=essential", "--format=directory", `--architectures=${lock.arch}`],
    "--skip=chroot/mount",
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=APT::Sandbox::User "root"',
    '--aptopt=Acquire::Languages "none"',
    "--dpkgopt=force-unsafe-io",
    ...excludes.map((option) => `--dpkgopt=${option}`),
    `--include=${lock.packages.map(({ name, version }) => `${name}=${version}`).join(",")}`,
    suite?.suite ?? "",
    root,
    `deb [trusted=yes] copy:${repository} ./`,
  ];
}

/** dracut's kernel hook would make an initramfs of its own. */
export const MMDEBSTRAP_ENV = { INITRD: "No" } as const;

/**
 * Installs the packages of the lock into `<work>/root`, offline, from the repository that layOutRepository made.
 * @returns processor seconds of mmdebstrap
 * @throws BuildError StepFailed, or OutputInvalid if dpkg's record differs from the lock
 */
export async function installRoot(context: StepContext, lock: Lock, repository: string) {
  const root = join(context.work, "root");
  await rm(root, { recursive: true, force: true });
  const outcome = await runTool(context, {
    step: "root",
    program: "mmdebstrap",
    args: mmdebstrapArguments(lock, repository, root),
    env: MMDEBSTRAP_ENV,
    action: (line) => /^I: (.+)$/.exec(line)?.[1],
  });
  await checkInstalled(context, lock, root);
  return outcome;
}

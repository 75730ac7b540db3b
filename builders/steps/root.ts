import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "../contract/build-failure.ts";
import type { Lock } from "../contract/lock.ts";
import { earlyDepmod } from "./early-depmod.ts";
import { runTool, type StepContext } from "./tool.ts";

/** Documentation that no booted node reads is left out; copyright files stay, as the licences ask. */
export const DPKG_OPTIONS = [
  "path-exclude=/usr/share/man/*",
  "path-exclude=/usr/share/doc/*",
  "path-exclude=/usr/share/locale/*",
  "path-exclude=/usr/share/info/*",
  "path-include=/usr/share/doc/*/copyright",
];

/** What prepare-target.sh puts into a target root for the time of its installation. */
const TEMPORARY = ["etc/dpkg/dpkg.cfg.d/imgrel", "imgrel"];

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
 * What the configuration of ca-certificates makes, which prepare-target.sh leaves to its trigger.
 * @throws BuildError OutputInvalid if the package is in the lock and its certificates are not in the root
 */
export async function checkCertificates(lock: Lock, root: string): Promise<void> {
  if (!lock.packages.some(({ name }) => name === "ca-certificates")) return;
  const found = await stat(join(root, "etc/ssl/certs/ca-certificates.crt")).catch(() => undefined);
  if (found !== undefined && found.size > 0) return;
  throw new BuildError({
    code: "OutputInvalid",
    step: "root",
    message: "ca-certificates is installed, but /etc/ssl/certs/ca-certificates.crt has no certificate",
    remedy: "the package no longer runs update-ca-certificates by its trigger: see builders/steps/prepare-target.sh",
  });
}

/**
 * mmdebstrap's arguments for exactly the packages of a lock, from an offline repository into the folder `root`. No
 * mount and no privilege beyond the builder's eight capabilities.
 * @param further options
 */
export function mmdebstrapArguments(lock: Lock, repository: string, root: string, further: readonly string[]) {
  const [suite] = lock.suites;
  return [
    ...["--verbose", "--mode=root", "--variant=essential", "--format=directory", `--architectures=${lock.arch}`],
    "--skip=chroot/mount",
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=APT::Sandbox::User "root"',
    '--aptopt=Acquire::Languages "none"',
    ...further,
    `--include=${lock.packages.map(({ name, version }) => `${name}=${version}`).join(",")}`,
    suite?.suite ?? "",
    root,
    `deb [trusted=yes] copy:${repository} ./`,
  ];
}

/** Those of a target root. */
const targetOptions = (project: string): string[] => [
  `--extract-hook=sh ${project}/builders/steps/prepare-target.sh "$1" ${DPKG_OPTIONS.map((one) => `'${one}'`).join(" ")}`,
  '--aptopt=DPkg::Path "/imgrel:/usr/sbin:/usr/bin:/sbin:/bin"',
];

/** Those of a toolchain root: they stand in its dpkg's settings, which are part of what its digest is of. */
const TOOLCHAIN_OPTIONS = ["--dpkgopt=force-unsafe-io"];

/** dracut's kernel hook would make an initramfs of its own. */
export const MMDEBSTRAP_ENV = { INITRD: "No" } as const;

const DPKG_ACTION = /^(?:(?:Unpacking|Setting up) (\S+) |I: (.+)$)/;

/**
 * Installs the packages of the lock into `<work>/root`, offline, from the repository that layOutRepository made.
 * @param kernel version of the kernel among them, if there is one
 * @returns processor seconds
 * @throws BuildError StepFailed, or OutputInvalid if dpkg's record differs from the lock
 */
export async function installRoot(context: StepContext, lock: Lock, repository: string, kernel?: string) {
  const root = join(context.work, "root");
  await rm(root, { recursive: true, force: true });
  const depmod = (version: string) =>
    runTool(context, { step: "root", program: "chroot", args: [root, "depmod", version] });
  const early = kernel === undefined ? undefined : earlyDepmod(kernel, () => depmod(kernel));
  const outcome = await runTool(context, {
    step: "root",
    program: "mmdebstrap",
    args: mmdebstrapArguments(
      lock,
      repository,
      root,
      lock.kind === "release" ? targetOptions(context.project) : TOOLCHAIN_OPTIONS,
    ),
    env: MMDEBSTRAP_ENV,
    action: (line) => {
      early?.notice(line);
      const [, name, text] = DPKG_ACTION.exec(line) ?? [];
      return name ?? text;
    },
  });
  const costs = [outcome, await early?.done()];
  for (const left of TEMPORARY) await rm(join(root, left), { recursive: true, force: true });
  await checkInstalled(context, lock, root);
  await checkCertificates(lock, root);
  return {
    userSeconds: costs.reduce((sum, cost) => sum + (cost?.userSeconds ?? 0), 0),
    systemSeconds: costs.reduce((sum, cost) => sum + (cost?.systemSeconds ?? 0), 0),
  };
}

import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { perturb } from "./perturb.ts";
import { runTool, type StepContext } from "./tool.ts";

/**
 * What a package's configuration leaves behind although it belongs to one machine, one moment or one run
 * (builds.md B, "rootfs"). A trailing slash empties a folder and keeps it.
 */
const TRACES = [
  "etc/hostname",
  "etc/.pwd.lock",
  "etc/ssh/ssh_host_*",
  "etc/machine-id",
  "var/lib/dbus/machine-id",
  "var/lib/systemd/random-seed",
  "var/lib/systemd/credential.secret",
  "var/cache/ldconfig/aux-cache",
  "var/cache/debconf/*-old",
  "var/lib/dpkg/*-old",
  "var/cache/man/",
  "var/cache/apt/",
  "var/lib/apt/lists/",
  "var/log/",
  "etc/apt/apt.conf.d/99mmdebstrap",
  "etc/passwd-",
  "etc/group-",
  "etc/shadow-",
  "etc/gshadow-",
  "etc/subuid-",
  "etc/subgid-",
  "dev/",
  "run/",
  "tmp/",
  "var/tmp/",
];

async function remove(root: string, trace: string): Promise<void> {
  const path = join(root, trace);
  if (trace.endsWith("/")) {
    const entries = await readdir(path).catch(() => []);
    await Promise.all(entries.map((entry) => rm(join(path, entry), { recursive: true })));
    return;
  }
  const slash = trace.lastIndexOf("/");
  const star = trace.indexOf("*");
  if (star < 0) {
    await rm(path, { force: true });
    return;
  }
  const [before = "", after = ""] = trace.slice(slash + 1).split("*");
  const folder = join(root, trace.slice(0, slash));
  const matching = (await readdir(folder).catch(() => [])).filter(
    (name) => name.startsWith(before) && name.endsWith(after),
  );
  await Promise.all(matching.map((name) => rm(join(folder, name))));
}

/**
 * Makes an installed root the same on every machine: removes {@link TRACES}, lets systemd-tmpfiles make what a
 * package's script could not make without /proc (so that a build with and without privileges gives the same
 * bytes), and writes the few files that hosts would otherwise leak into.
 */
export async function normalizeRoot(context: StepContext, hostname: string): Promise<void> {
  const root = join(context.work, "root");
  await runTool(context, {
    step: "root",
    program: "systemd-tmpfiles",
    args: [`--root=${root}`, "--create", "--remove", "--boot", "--exclude-prefix=/dev", "--exclude-prefix=/proc"],
  });
  for (const trace of TRACES) await remove(root, trace);
  await writeFile(join(root, "etc/hostname"), `${hostname}\n`);
  // empty: systemd gives each boot an ID of its own and takes no boot for the first one
  await writeFile(join(root, "etc/machine-id"), "", { mode: 0o444 });
  // tells systemd that /etc and /var fit this /usr: else each boot rebuilds caches that a release never outdates
  for (const folder of ["etc", "var"]) {
    await writeFile(join(root, folder, ".updated"), `TIMESTAMP_NSEC=${context.epoch}000000000\n`);
  }
  await mkdir(join(root, "etc/apt"), { recursive: true });
  await writeFile(
    join(root, "etc/apt/sources.list"),
    "# an imgrel image is replaced, not upgraded: it has no package source\n",
  );
  await perturb(context, "root-file", join(root, "etc/hostname"));
}

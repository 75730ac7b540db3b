import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { exec, type Outcome, PLAIN_ENV } from "../builders/host/exec.ts";

/** The part of an image's configuration that says how its containers start (OCI image-spec, config.md). */
export const StartConfig = z.object({
  config: z.object({
    User: z.string(),
    Env: z.array(z.string()),
    Entrypoint: z.array(z.string()),
    Cmd: z.array(z.string()),
    WorkingDir: z.string(),
  }),
});

export type Container = {
  /** folder for its runtime's files, made anew */
  readonly bundle: string;
  /** an image's layers, unpacked; read-only inside */
  readonly root: string;
  readonly config: z.infer<typeof StartConfig>["config"];
  /** in the place of the image's command */
  readonly args?: readonly string[];
  readonly capabilities: readonly string[];
  /** files and folders of the host by their place inside; `rw` if not said otherwise */
  readonly volumes: Readonly<Record<string, string | { readonly readOnly: string }>>;
};

/** What a container runtime of Kubernetes hides or makes read-only (containerd, contrib of its CRI plugin). */
const MASKED = ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/scsi"];
const READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

const kernelMount = (destination: string, type: string, ...options: string[]) => ({
  ...{ destination, type, source: type === "tmpfs" ? "shm" : type },
  options: ["nosuid", ...options],
});

/** The runtime-spec's config.json of such a container: a pod's, with a network that leads nowhere. */
function runtimeConfig({ root, config, args, capabilities, volumes }: Container): object {
  const [uid = 0, gid = 0] = config.User.split(":").map(Number);
  const caps = capabilities.map((name) => `CAP_${name}`);
  return {
    ociVersion: "1.0.2",
    process: {
      ...{ terminal: false, cwd: config.WorkingDir, env: config.Env, noNewPrivileges: true, user: { uid, gid } },
      args: [...config.Entrypoint, ...(args ?? config.Cmd)],
      capabilities: { bounding: caps, effective: caps, permitted: caps },
    },
    root: { path: root, readonly: true },
    hostname: "demo-pod",
    mounts: [
      kernelMount("/proc", "proc", "noexec", "nodev"),
      { ...kernelMount("/dev", "tmpfs", "strictatime", "mode=755", "size=65536k") },
      kernelMount("/dev/pts", "devpts", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
      kernelMount("/dev/shm", "tmpfs", "noexec", "nodev", "mode=1777", "size=65536k"),
      kernelMount("/dev/mqueue", "mqueue", "noexec", "nodev"),
      kernelMount("/sys", "sysfs", "noexec", "nodev", "ro"),
      kernelMount("/sys/fs/cgroup", "cgroup", "noexec", "nodev", "relatime", "ro"),
      ...Object.entries(volumes).map(([destination, volume]) => ({
        ...{ destination, type: "bind", source: typeof volume === "string" ? volume : volume.readOnly },
        options: ["rbind", "rprivate", typeof volume === "string" ? "rw" : "ro"],
      })),
    ],
    linux: {
      namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })),
      ...{ maskedPaths: [...MASKED, "/sys/firmware"], readonlyPaths: READ_ONLY },
    },
  };
}

/** Runs a container to its end with runc, the runtime that containerd uses. `name`: unique on this machine. */
export async function runContainer(name: string, container: Container): Promise<Outcome> {
  const { bundle } = container;
  const runc = (...args: readonly string[]) =>
    exec({ program: "runc", args: ["--root", join(bundle, "state"), ...args], env: PLAIN_ENV });
  await mkdir(bundle, { recursive: true });
  await writeFile(join(bundle, "config.json"), JSON.stringify(runtimeConfig(container)));
  try {
    return await runc("run", "--bundle", bundle, name);
  } finally {
    await runc("delete", "--force", name);
  }
}

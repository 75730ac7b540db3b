import { createHash } from "node:crypto";
import { access, mkdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { cacheRoot } from "../../../builders/host/cache.ts";
import { type Command, exec, PLAIN_ENV } from "../../../builders/host/exec.ts";
import { ReleaseError } from "../../../controller/domain/errors.ts";
import type { Watch } from "./node-root.ts";

const SOURCES = join(import.meta.dirname, "kubebox");
const FILES = ["go.mod", "go.sum", "main.go", "toolchain.sum"];
const PARTS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kubectl"];

/** What the user may have said about where Go modules come from. */
const GO_SETTINGS = [
  ...["HOME", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE"],
  ...["http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"],
];

/** The versions that go.mod pins: of Go, `1.26.8`, and of Kubernetes, `v1.34.4`. */
export function pinnedVersions(goMod: string): { readonly go: string; readonly kubernetes: string } {
  const go = /^go (\S+)$/m.exec(goMod)?.[1];
  const kubernetes = /^\s*(?:require )?k8s\.io\/kubernetes (v\S+)$/m.exec(goMod)?.[1];
  if (go === undefined || kubernetes === undefined) throw new Error("go.mod names no go or no k8s.io/kubernetes");
  return { go, kubernetes };
}

function linkerFlags(kubernetes: string): string {
  const [major = "", minor = ""] = kubernetes.slice(1).split(".");
  const values = {
    "k8s.io/component-base/version.gitVersion": kubernetes,
    "k8s.io/component-base/version.gitMajor": major,
    "k8s.io/component-base/version.gitMinor": minor,
    "k8s.io/component-base/version.gitTreeState": "clean",
    "k8s.io/client-go/pkg/version.gitVersion": kubernetes,
  };
  return `-s -w ${Object.entries(values)
    .map(([name, value]) => `-X ${name}=${value}`)
    .join(" ")}`;
}

const inherited = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));

/** The Go of the node's root. The caller's own Go folders stay as they are. */
function goCommand(nodeRoot: string, toolchain: string, cwd: string, args: readonly string[]): Command {
  const folder = join(cacheRoot(process.env), "go");
  return {
    program: join(nodeRoot, "usr/bin/go"),
    args,
    cwd,
    env: {
      ...PLAIN_ENV,
      ...inherited(GO_SETTINGS),
      GOTOOLCHAIN: toolchain,
      GOFLAGS: "-mod=readonly",
      GOMODCACHE: join(folder, "mod"),
      GOCACHE: join(folder, "build"),
      CGO_ENABLED: "0",
    },
  };
}

const PROXY_REMEDY =
  "check that the Go module proxy can be reached (GOPROXY) and that 5 GB are free, and run it again: it goes on";

async function runGo(command: Command, signal: AbortSignal): Promise<string> {
  const { exitCode, stdout, tail } = await exec({ ...command, signal });
  if (exitCode === 0) return stdout;
  const what = `go ${command.args[0]} of test/system/cluster/kubebox ended with ${exitCode}:\n${tail.trimEnd()}`;
  throw new ReleaseError("BuildFailed", what, PROXY_REMEDY);
}

const Download = z.object({ Sum: z.string() });

/**
 * Brings the Go that go.mod names through the module proxy, as GOTOOLCHAIN does later, but looks at its hash before it
 * runs: go.sum pins no toolchain. The checksum database has been asked too.
 */
async function fetchGo(nodeRoot: string, cwd: string, signal: AbortSignal): Promise<void> {
  const [module, version, pinned] = (await readFile(join(SOURCES, "toolchain.sum"), "utf8")).trim().split(" ");
  const args = ["mod", "download", "-json", `${module}@${version}`];
  const { Sum } = Download.parse(JSON.parse(await runGo(goCommand(nodeRoot, "local", cwd, args), signal)));
  if (Sum === pinned) return;
  const what = `${module} ${version} has the hash ${Sum}, it must be ${pinned}`;
  throw new ReleaseError("InputDigestMismatch", what, "ask who runs your Go module proxy");
}

/** Compiles into the folder `to`; go.sum pins every module. */
async function compile(nodeRoot: string, to: string, { say, signal }: Watch): Promise<void> {
  const { go, kubernetes } = pinnedVersions(await readFile(join(SOURCES, "go.mod"), "utf8"));
  say(`compiling Kubernetes ${kubernetes} with Go ${go}: once, some 11 minutes of processor time and 4 GB of disk`);
  await fetchGo(nodeRoot, to, signal);
  const build = ["build", "-buildvcs=false", "-trimpath", "-ldflags", linkerFlags(kubernetes)];
  const args = [...build, "-o", join(to, "kubebox"), "."];
  await runGo(goCommand(nodeRoot, `go${go}`, SOURCES, args), signal);
}

/**
 * A folder with every part of a Kubernetes node, kubectl too: one static program under several names. It is compiled on
 * first use and then kept by the hash of what it is made of.
 * @throws ReleaseError BuildFailed, or InputDigestMismatch if the proxy has another Go
 */
export async function ensureKubebox(nodeRoot: string, watch: Watch): Promise<string> {
  const hash = createHash("sha256");
  for (const file of FILES) hash.update(await readFile(join(SOURCES, file)));
  const home = join(cacheRoot(process.env), "kubebox", hash.digest("hex"));
  const isThere = () =>
    access(join(home, "kubectl")).then(
      () => true,
      () => false,
    );
  if (await isThere()) return home;
  const making = `${home}.${process.pid}.partial`;
  try {
    await mkdir(making, { recursive: true });
    await compile(nodeRoot, making, watch);
    for (const part of PARTS) await symlink("kubebox", join(making, part));
    await rename(making, home).catch(async (error: unknown) => {
      if (!(await isThere())) throw error; // another one was faster, with the same sources
    });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return home;
}

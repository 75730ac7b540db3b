import { generateKeyPairSync } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { exec } from "../../builders/host/exec.ts";
import { type OpenRepository, openRepositoryAt } from "../../controller/adapters/git/repository-at.ts";
import { classObject, sourceObject } from "../fakes/cluster-objects.ts";
import { imgrel, PROJECT } from "../imgrel.ts";
import { type Cluster, inNetwork, kubectl, printed } from "./cluster/cluster.ts";
import { takeDown } from "./cluster/down.ts";
import { bringUp } from "./cluster/up.ts";
import { pushOwnImages } from "./own-images.ts";

export const [SYSTEM, BUILD] = ["imgrel-system", "imgrel-build"] as const;
/** the machine as its pods see it */
const ADDRESS = "10.244.0.1";
const HOST = `${ADDRESS}:5000`;
/** what the class's repositories are below, as nodes and pods name it */
export const REGISTRY = `${HOST}/powernode`;
const NETWORK = { allowPrivate: true, allowHTTP: true };

const Services = z.object({ archive: z.string(), git: z.string() });
type Services = z.infer<typeof Services>;
const secret = (namespace: string, name: string, stringData: object, type = "Opaque") => ({
  ...{ apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, type, stringData },
});
const dockerConfig = (namespace: string, name: string) =>
  secret(namespace, name, { ".dockerconfigjson": '{"auths":{}}' }, "kubernetes.io/dockerconfigjson");

/** The demo release with two targets, in `<folder>/git`; what the local process builds of it stands in `<folder>/local`. */
async function buildLocally(folder: string): Promise<void> {
  const spec = join(folder, "specs/demo");
  await cp(join(PROJECT, "specs/demo"), spec, { recursive: true });
  const file = join(spec, "release.yaml");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace(/ {4}- variant: raw\n {6}arch: amd64\n/, ""));
  const options = ["--arch", "amd64", "--spec", spec, "--state-dir", join(folder, "state")];
  printed(await imgrel("build", ...options, "--output", join(folder, "local")));
  // the same commits: a manifest names the one that the spec is of
  const repository = join(folder, "git/releases.git");
  await mkdir(join(folder, "git"));
  await cp(join(folder, "state/repository.git"), repository, { recursive: true });
  printed(await exec({ program: "git", args: ["-C", repository, "config", "http.receivepack", "true"] }));
}

/** Git server and archive in the cluster's network, until `signal` fires. */
async function startServices(cluster: Cluster, folder: string, git: OpenRepository, signal: AbortSignal) {
  const tip = await git.specs.tip();
  const locks: string[] = [];
  for (const path of ["specs/demo", "toolchain"]) {
    const file = join(folder, "locks", path.replace("/", "-"));
    await mkdir(join(folder, "locks"), { recursive: true });
    await writeFile(file, (await tip.readFile(`${path}/lock.amd64.json`)) ?? "");
    locks.push(file);
  }
  const program = join(import.meta.dirname, "release-services.ts");
  return new Promise<Services>((resolve, reject) => {
    exec({
      ...inNetwork(cluster, process.execPath, [program, ADDRESS, join(folder, "git"), ...locks]),
      signal,
      onLine: (line, stream) => {
        if (stream === "stdout") resolve(Services.parse(JSON.parse(line)));
      },
    }).then(({ tail }) => reject(new Error(tail)), reject);
  });
}

/** What an operator writes: an overlay as docs/install.md says, with a class and a source of this cluster. */
async function writeOverlay(
  overlay: string,
  images: Awaited<ReturnType<typeof pushOwnImages>>,
  services: Services,
): Promise<void> {
  const files: Readonly<Record<string, object>> = {
    "class.yaml": classObject("local", SYSTEM, {
      archives: {
        debian: { sources: [{ kind: "mirror", url: services.archive }], keyring: "debian-archive-keyring.gpg" },
      },
      build: {
        ...{ namespace: BUILD, serviceAccountName: "imgrel-builder", runtimeClassName: "nonet" },
        ...{ builderImage: images.builder, bootImage: images.boot, scratch: { size: "10Gi" } },
      },
      publish: {
        oci: {
          ...{ repository: `${REGISTRY}/images`, stagingRepository: `${REGISTRY}/staging` },
          ...{ inputsRepository: `${REGISTRY}/inputs`, credentialsRef: { name: "registry" } },
        },
      },
      network: NETWORK,
    }),
    "source.yaml": sourceObject("releases", SYSTEM, {
      ...{ url: new URL("releases.git", services.git).href, interval: "10s", network: NETWORK },
    }),
    "inside.yaml": {
      ...{ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name: "inside", namespace: BUILD } },
      spec: {
        podSelector: {
          matchExpressions: [{ key: "releases.powernode.io/step", operator: "In", values: ["fetch", "publish"] }],
        },
        ...{ policyTypes: ["Egress"], egress: [{ to: [{ ipBlock: { cidr: `${ADDRESS}/32` } }] }] },
      },
    },
  };
  await mkdir(overlay);
  for (const [name, object] of Object.entries(files)) await writeFile(join(overlay, name), JSON.stringify(object));
  const example = join(PROJECT, "deploy/example");
  await cp(join(example, "data-rights.yaml"), join(overlay, "data-rights.yaml"));
  const [repository = "", digest = ""] = images.controller.split("@");
  const kustomization = (await readFile(join(example, "kustomization.yaml"), "utf8"))
    .replace("  - ../base\n", `  - ${relative(overlay, join(PROJECT, "deploy/base"))}\n  - inside.yaml\n`)
    .replace("registry.example/imgrel/controller", repository)
    .replace(/sha256:0{64}/, digest);
  await writeFile(join(overlay, "kustomization.yaml"), kustomization);
}

/** A cluster with imgrel installed as its guide says, a git server with the demo release, and all that it needs. */
export async function installedImgrel(name: string, say: (line: string) => void) {
  const { signal } = new AbortController();
  const stop = new AbortController();
  await takeDown(name, signal);
  const folder = await mkdtemp(join(tmpdir(), `imgrel-${name}-`));
  await buildLocally(folder);
  const directory = join(folder, "git/releases.git");
  const git = await openRepositoryAt(
    { kind: "own", directory },
    { specBranch: "main", recordsBranch: "release-records", committer: { author: { name: "a", email: "a@b" } } },
  );
  const cluster = await bringUp(name, { say, signal }, { policies: true });
  const run = async (args: readonly string[], input?: string) => printed(await kubectl(cluster, args, input)).trimEnd();
  const images = await pushOwnImages(cluster.registry, HOST);
  await writeOverlay(join(folder, "overlay"), images, await startServices(cluster, folder, git, stop.signal));
  await run(["apply", "--server-side", "-k", join(PROJECT, "crds")]);
  await run(["wait", "--for=condition=Established", "--timeout=600s", "crd", "--all"]);
  await run(["apply", "--server-side", "-f", join(PROJECT, "deploy/base/namespaces.yaml")]);
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const items = [
    secret(SYSTEM, "signing-key", { "cosign.key": privateKey.export({ type: "pkcs8", format: "pem" }) }),
    ...[dockerConfig(SYSTEM, "registry"), dockerConfig(BUILD, "imgrel-inputs"), dockerConfig(BUILD, "imgrel-staging")],
  ];
  await run(["apply", "--server-side", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  await run(["apply", "--server-side", "-k", join(folder, "overlay")]);
  await run(["-n", SYSTEM, "rollout", "status", "deployment/imgrel-controller", "--timeout=600s"]);
  return {
    ...{ cluster, folder, directory, git, publicKey, run },
    /** Waits until what kubectl prints is as it should be; whatever hangs is ended by the test's own limit. */
    until: async (args: readonly string[], wanted: RegExp, never = /^\b$/): Promise<string> => {
      for (;;) {
        const said = (await kubectl(cluster, args)).stdout.trimEnd();
        if (wanted.test(said)) return said;
        if (never.test(said)) throw new Error(said);
        await sleep(1000);
      }
    },
    [Symbol.asyncDispose]: async () => {
      const logs = ["-n", SYSTEM, "logs", "-l", "app.kubernetes.io/name=imgrel", "--tail=40"];
      say((await kubectl(cluster, logs)).tail);
      stop.abort();
      await takeDown(name, signal);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

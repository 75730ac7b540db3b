import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { BuildManifest } from "../../builders/contract/build-manifest.ts";
import { exec } from "../../builders/host/exec.ts";
import { openRepositoryAt } from "../../controller/adapters/git/repository-at.ts";
import { openRegistry } from "../../controller/adapters/oci/registry.ts";
import { classObject, sourceObject } from "../fakes/cluster-objects.ts";
import { imgrel, PROJECT } from "../imgrel.ts";
import { type Cluster, inNetwork, kubectl, printed } from "./cluster/cluster.ts";
import { takeDown } from "./cluster/down.ts";
import { bringUp } from "./cluster/up.ts";
import { pushOwnImages } from "./own-images.ts";

// One release from a spec in git to its record, built in pods of a real cluster: nothing of it is simulated.
const NAME = "release";
const [SYSTEM, BUILD] = ["imgrel-system", "imgrel-build"];
/** the machine as its pods see it */
const ADDRESS = "10.244.0.1";
const REGISTRY = `${ADDRESS}:5000`;
const VARIANTS = ["kernel-initrd", "qcow2"] as const;
const { signal } = new AbortController();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const stop = new AbortController();
const Services = z.object({ archive: z.string(), git: z.string() });
let cluster: Cluster;
let folder = "";
let controller: Promise<unknown> = Promise.resolve();

const run = async (args: readonly string[], input?: string) => printed(await kubectl(cluster, args, input)).trimEnd();
const apply = (...objects: readonly object[]) =>
  run(["apply", "--server-side", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
const secret = (namespace: string, name: string, stringData: object, type = "Opaque") => ({
  ...{ apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, type, stringData },
});
const dockerConfig = (namespace: string, name: string) =>
  secret(namespace, name, { ".dockerconfigjson": '{"auths":{}}' }, "kubernetes.io/dockerconfigjson");

/** The demo release with two targets; what the local process builds of it stands in `<folder>/local`. */
async function buildLocally(): Promise<void> {
  const spec = join(folder, "specs/demo");
  await cp(join(PROJECT, "specs/demo"), spec, { recursive: true });
  const file = join(spec, "release.yaml");
  const text = await readFile(file, "utf8");
  const without = text.replace(/ {4}- variant: raw\n {6}arch: amd64\n/, "");
  expect(without).not.toBe(text);
  await writeFile(file, without);
  const options = ["--arch", "amd64", "--spec", spec, "--state-dir", join(folder, "state")];
  printed(await imgrel("build", ...options, "--output", join(folder, "local")));
  // the same commits: a manifest names the one that the spec is of
  await mkdir(join(folder, "git"));
  await cp(join(folder, "state/repository.git"), join(folder, "git/releases.git"), { recursive: true });
  const pushes = ["-C", join(folder, "git/releases.git"), "config", "http.receivepack", "true"];
  printed(await exec({ program: "git", args: pushes }));
}

/** Git server and archive in the cluster's network, until the end of this test. */
async function startServices(): Promise<z.infer<typeof Services>> {
  const locks = ["specs/demo", "toolchain"].map((path) => join(folder, "locks", path, "lock.amd64.json"));
  const { specs } = await openRepositoryAt(
    { kind: "own", directory: join(folder, "git/releases.git") },
    { specBranch: "main", recordsBranch: "release-records", committer: { author: { name: "a", email: "a@b" } } },
  );
  const tip = await specs.tip();
  for (const path of ["specs/demo", "toolchain"]) {
    await mkdir(join(folder, "locks", path), { recursive: true });
    const content = await tip.readFile(`${path}/lock.amd64.json`);
    await writeFile(join(folder, "locks", path, "lock.amd64.json"), content ?? "");
  }
  const program = join(import.meta.dirname, "release-services.ts");
  const args = [program, ADDRESS, join(folder, "git"), ...locks];
  return new Promise((resolve, reject) => {
    exec({
      ...inNetwork(cluster, process.execPath, args),
      signal: stop.signal,
      onLine: (line, stream) => {
        if (stream === "stdout") resolve(Services.parse(JSON.parse(line)));
        else say(line);
      },
    }).then(({ tail }) => reject(new Error(tail)), reject);
  });
}

beforeAll(async () => {
  await takeDown(NAME, signal);
  folder = await mkdtemp(join(tmpdir(), "imgrel-cluster-release-"));
  await buildLocally();
  cluster = await bringUp(NAME, { say, signal });
  const images = await pushOwnImages(cluster.registry, REGISTRY);
  const services = await startServices();
  await apply(...[SYSTEM, BUILD].map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })));
  await run(["label", "namespace", BUILD, "pod-security.kubernetes.io/enforce=baseline"]);
  await run(["apply", "--server-side", "-f", "-"], printed(await imgrel("crds")));
  await run(["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"]);
  const pem = printed(
    await exec({ program: "openssl", args: ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"] }),
  );
  await apply(
    secret(SYSTEM, "signing-key", { "cosign.key": pem }),
    dockerConfig(SYSTEM, "registry"),
    dockerConfig(BUILD, "imgrel-inputs"),
    dockerConfig(BUILD, "imgrel-staging"),
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { namespace: BUILD, name: "imgrel-builder" } },
    classObject("local", SYSTEM, {
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
      network: { allowPrivate: true, allowHTTP: true },
    }),
    sourceObject("releases", SYSTEM, {
      ...{ url: new URL("releases.git", services.git).href, interval: "10s" },
      network: { allowPrivate: true, allowHTTP: true },
    }),
  );
  const kubeconfig = join(cluster.folder, "etc/admin.kubeconfig");
  const args = ["controller", "--kubeconfig", kubeconfig, "--namespace", SYSTEM, "--image", images.controller];
  controller = exec({
    ...inNetwork(cluster, process.execPath, [join(PROJECT, "controller/main.ts"), ...args, "--listen", `${ADDRESS}:0`]),
    signal: stop.signal,
    onLine: say,
  }).catch(() => undefined); // it is killed in the end
});
afterAll(async () => {
  stop.abort();
  await controller;
  await takeDown(NAME, signal);
  await rm(folder, { recursive: true, force: true });
});

/** The condition that a release waits for, or the end of the world. */
async function ready(): Promise<void> {
  for (;;) {
    const { stdout } = await kubectl(cluster, [
      ...["--namespace", SYSTEM, "get", "diskimagerelease", "demo", "-o"],
      'jsonpath={range .status.conditions[*]}{.type}={.status} {.reason}{"\\n"}{end}',
    ]);
    if (/^Ready=True/m.test(stdout)) return;
    if (/^Stalled=True/m.test(stdout)) throw new Error(stdout);
    await sleep(1000);
  }
}

describe("a release in a cluster", () => {
  it("gets from git to git: built in two pods, compared, booted, signed and published", async () => {
    await run(["--namespace", SYSTEM, "wait", "--for=create", "--timeout=120s", "diskimagerelease/demo"]);
    await ready();
    const table = await run(["--namespace", SYSTEM, "get", "diskimagereleases"]);
    say(table);
    expect(table).toMatch(/^demo +2026\.\S+ +True +Released +2\/2 +True +True /m);
  });

  it("has the digests that a local build has", async () => {
    const { records } = await openRepositoryAt(
      { kind: "own", directory: join(folder, "git/releases.git") },
      { specBranch: "main", recordsBranch: "release-records", committer: { author: { name: "a", email: "a@b" } } },
    );
    const files = await (await records.tip()).readDirectory("records/demo");
    const sums = new TextDecoder().decode(files.get("SHA256SUMS"));
    for (const variant of VARIANTS) {
      const built = BuildManifest.parse(
        JSON.parse(await readFile(join(folder, "local", variant, "amd64/build-manifest.json"), "utf8")),
      );
      say(JSON.stringify(built.artifacts));
    }
    say(sums);
  });

  it("is published to the registry, and leaves nothing in the build namespace", async () => {
    const network = { allowPrivate: true, allowHTTP: true };
    const images = openRegistry({ repository: `${cluster.registry}/images`, network });
    for (const variant of VARIANTS) expect(await images.resolveTag(`demo-amd64-${variant}`, signal)).not.toBeNull();
    for (let tries = 0; ; tries += 1) {
      const left = await run(["--namespace", BUILD, "get", "jobs,pods,pvc", "-o", "name"]);
      if (left === "") break;
      if (tries === 60) throw new Error(left);
      await sleep(1000);
    }
  });
});

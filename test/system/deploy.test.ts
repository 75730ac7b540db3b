import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { exec } from "../../builders/host/exec.ts";
import { systemClock } from "../../controller/adapters/system-clock.ts";
import { objectData } from "../../controller/adapters/kubernetes/object-data.ts";
import { RIGHTS, type Rights } from "../../controller/adapters/kubernetes/rights.ts";
import { bootJob } from "../../controller/domain/jobs/boot-job.ts";
import { buildJob } from "../../controller/domain/jobs/build-job.ts";
import { fetchJob } from "../../controller/domain/jobs/fetch-job.ts";
import type { JobManifest } from "../../controller/domain/jobs/kubernetes-objects.ts";
import { LABEL } from "../../controller/domain/jobs/object-labels.ts";
import { publishJob } from "../../controller/domain/jobs/publish-job.ts";
import {
  hostsIn,
  isExampleHost,
  listed,
  listedRights,
  permissionsOf,
  plainManifests,
  textsIn,
} from "../deploy-manifests.ts";
import { demoBootPod, demoBuildPod, demoFetchPod, demoJobContext, demoPublishPod } from "../fakes/job-context.ts";
import { PROJECT } from "../imgrel.ts";
import { type Cluster, inNetwork, kubectl, printed } from "./cluster/cluster.ts";
import { accessFrom } from "./cluster/credentials.ts";
import { takeDown } from "./cluster/down.ts";
import { eventually } from "./cluster/eventually.ts";
import { create, type JobShape, jobOf, runJob } from "./cluster/jobs.ts";
import { NODE_SERVERS, probing, reached } from "./cluster/probes.ts";
import { bringUp } from "./cluster/up.ts";
import { makeAllCalls, recordedClient } from "./controller-calls.ts";
import { guideLines, runGuideLines } from "./install-guide.ts";

// deploy/ on a real API server, by the very lines of docs/install.md, and what the controller's account may do then.
const NAME = "deploy";
const SYSTEM = "imgrel-system";
const BUILD = "imgrel-build";
const CONTROLLER = `system:serviceaccount:${SYSTEM}:imgrel-controller`;
const BUILDER = `system:serviceaccount:${BUILD}:imgrel-builder`;
const { signal } = new AbortController();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const guide = await readFile(join(PROJECT, "docs/install.md"), "utf8");
let cluster: Cluster;
let room = "";
/** names of everything that belongs to no namespace, before imgrel came */
let before: string[] = [];

const run = async (args: readonly string[], input?: string): Promise<string> =>
  printed(await kubectl(cluster, args, input)).trimEnd();
const applied = (object: object): Promise<string> => run(["apply", "--server-side", "-f", "-"], JSON.stringify(object));
const shell = (lines: string): Promise<string> => runGuideLines(cluster, room, lines, signal);
/** Lines of the guide, before and behind the Secrets. */
const install = async (): Promise<string[]> =>
  // the example's image cannot be pulled
  (await guideLines("Install"))
    .replaceAll("deploy/<yours>", "deploy/example")
    .split("# now the Secrets\n")
    .map((part) => part.replace(/^kubectl .*rollout status.*\n/m, ""));
const secret = (namespace: string, name: string) => ({
  ...{ apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, stringData: { key: name } },
});

/** kinds that belong to no namespace, and are not made anew by themselves */
const GLOBAL =
  "crd,namespaces,clusterroles,clusterrolebindings,pv,storageclasses,runtimeclasses,priorityclasses," +
  "validatingwebhookconfigurations,mutatingwebhookconfigurations,validatingadmissionpolicies,apiservices";
const globals = async (): Promise<string[]> => (await run(["get", GLOBAL, "-o", "name"])).split("\n");

beforeAll(async () => {
  await takeDown(NAME, signal);
  room = await mkdtemp(join(tmpdir(), "imgrel-deploy-"));
  cluster = await bringUp(NAME, { say, signal }, { policies: true });
  before = await globals();
  const [first = "", second = ""] = await install();
  await shell(first);
  for (const name of ["signing-key", "registry", "git", "record-signing-key", "other"]) {
    await applied(secret(SYSTEM, name));
  }
  for (const name of ["imgrel-inputs", "imgrel-staging"]) await applied(secret(BUILD, name));
  const metadata = { namespace: SYSTEM, name: "spec-signers" };
  await applied({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { allowed_signers: "# none\n" } });
  await shell(second);
});
afterAll(async () => {
  await takeDown(NAME, signal);
  await rm(room, { recursive: true, force: true });
});

describe("deploy/", () => {
  it("renders, with and without the components, to plain data that names no real host", async () => {
    const overlay = {
      ...{ apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization" },
      resources: [relative(room, join(PROJECT, "deploy/base"))],
      components: ["service-monitor", "webhook"].map((name) =>
        relative(room, join(PROJECT, "deploy/components", name)),
      ),
      ...(parse(/^```yaml\n(patches:[^]*?)^```/m.exec(guide)?.[1] ?? "") as object),
    };
    await writeFile(join(room, "kustomization.yaml"), JSON.stringify(overlay));
    const kinds: Record<string, number> = {};
    for (const folder of ["crds", "deploy/base", "deploy/example", room]) {
      const text = await shell(`kubectl kustomize ${folder}`);
      const objects = plainManifests(text, folder).filter(({ kind }) => kind !== "CustomResourceDefinition");
      kinds[folder] = objects.length;
      const values = objects
        .flatMap((one) => textsIn(one))
        .filter(({ path }) => !/\.(apiVersion|key|topologyKey)$/.test(path));
      expect(values.flatMap(({ text: value }) => hostsIn(value)).filter((host) => !isExampleHost(host))).toEqual([]);
      if (folder === room) expect(text).toMatch(/- --webhook-listen=:8090\n +- --builder-id=https:/);
    }
    const { crds, "deploy/base": base = 0, "deploy/example": example, [room]: whole } = kinds;
    expect([crds, example, whole]).toEqual([0, base + 4, base + 5]);
  });
  it("is applied once: a second time nothing changes", async () => {
    const versions = "jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{'\\n'}{end}";
    // the two that are left out have a status that changes by itself
    const kinds = "crd,serviceaccounts,roles,rolebindings,services,netpol,direlc,dirs";
    const stored = () => run(["get", kinds, "--all-namespaces", "-o", versions]);
    const generation = () => run(["-n", SYSTEM, "get", "deploy,pdb", "-o", "jsonpath={.items[*].metadata.generation}"]);
    const first = [await stored(), await generation()];
    for (const part of await install()) await shell(part);
    expect([await stored(), await generation()]).toEqual(first);
    expect(await shell("kubectl diff --server-side -k deploy/example")).toBe("");
  });
  it("writes the controller's image once, by digest", async () => {
    const pods = JSON.parse(await run(["-n", SYSTEM, "get", "deploy", "imgrel-controller", "-o", "json"])) as {
      spec: { template: { spec: { containers: { image: string; env: { name: string; value: string }[] }[] } } };
    };
    const [container] = pods.spec.template.spec.containers;
    expect(container?.image).toMatch(/^registry\.example\/imgrel\/controller@sha256:[0-9a-f]{64}$/);
    expect(container?.env.find(({ name }) => name === "IMGREL_IMAGE")?.value).toBe(container?.image);
  });
});

describe("Pod Security", () => {
  const attempt = { attempt: 1, deadlineSeconds: 600 };
  const context = demoJobContext();
  const jobs: Record<string, JobManifest> = {
    fetch: fetchJob(context, demoFetchPod("amd64"), attempt),
    build: buildJob(context, demoBuildPod(), attempt),
    publish: publishJob(context, demoPublishPod(), attempt),
    boot: bootJob(context, demoBootPod(), attempt),
  };
  /** Whether a pod of this spec would be taken. */
  const dry = (namespace: string, spec: object) => {
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { namespace, name: "dry" }, spec };
    return kubectl(cluster, ["create", "--dry-run=server", "-f", "-"], JSON.stringify(pod));
  };

  it("lets both controllers in where it is restricted", async () => {
    const phases = ["-n", SYSTEM, "get", "pods", "-l", "app.kubernetes.io/name=imgrel", "-o", "name"];
    const names = await eventually("both pods are made", { seconds: 60 }, async () => {
      const lines = (await run(phases)).split("\n");
      return lines.length === 2 ? lines : undefined;
    });
    expect(names).toHaveLength(2);
  });
  it.each(["fetch", "build", "publish", "boot"])("lets the pod of a %s Job in where Jobs run", async (step) => {
    expect((await dry(BUILD, jobs[step]?.spec.template.spec ?? {})).tail).toContain("created (server dry run)");
  });
  it.each(["fetch", "publish", "boot"])("would let the pod of a %s Job in where it is restricted", async (step) => {
    const spec = { ...jobs[step]?.spec.template.spec, serviceAccountName: "default" };
    expect((await dry(SYSTEM, spec)).tail).toContain("created (server dry run)");
  });
  it.each([
    ["a build, among the Secrets", SYSTEM, { ...jobs["build"]?.spec.template.spec, serviceAccountName: "default" }],
    ["the node's network", BUILD, { hostNetwork: true }],
    ["the node's files", BUILD, { volumes: [{ name: "v", hostPath: { path: "/" } }] }],
    ["every right", BUILD, { containers: [{ name: "c", image: "x", securityContext: { privileged: true } }] }],
  ])("refuses %s", async (_what, namespace, spec) => {
    const { exitCode, tail } = await dry(namespace, { containers: [{ name: "c", image: "x" }], ...spec });
    expect([exitCode, tail]).toEqual([1, expect.stringContaining("violates PodSecurity")]);
  });
});

describe("the controller's account", () => {
  const Review = z.object({ status: z.object({ resourceRules: z.array(z.record(z.string(), z.unknown())) }) });
  /** What everybody may ask: who they are, and what they may do (ClusterRole system:basic-user). */
  const BASIC: Rights = {
    "selfsubjectaccessreviews.authorization.k8s.io": ["create"],
    "selfsubjectrulesreviews.authorization.k8s.io": ["create"],
    "selfsubjectreviews.authentication.k8s.io": ["create"],
  };
  /** What the API server itself says that an account may do. */
  const rightsIn = async (account: string, namespace: string) => {
    const review = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectRulesReview", spec: { namespace } };
    const args = ["create", "-f", "-", "-o", "json", "--validate=false", `--as=${account}`];
    const rules = Review.parse(JSON.parse(await run(args, JSON.stringify(review)))).status.resourceRules;
    return permissionsOf({ rules });
  };

  it.each([
    [SYSTEM, { ...RIGHTS.own, ...RIGHTS.named, ...RIGHTS.cluster, ...BASIC }],
    [BUILD, { ...RIGHTS.builds, ...RIGHTS.cluster, ...BASIC }],
    ["kube-system", { ...RIGHTS.cluster, ...BASIC }],
    ["default", { ...RIGHTS.cluster, ...BASIC }],
  ])("has in %s the rights of the table, and no other", async (namespace, rights) => {
    expect(listed(await rightsIn(CONTROLLER, namespace))).toEqual(listedRights(rights));
  });
  it.each([SYSTEM, BUILD])("gives a builder none in %s", async (namespace) => {
    expect(listed(await rightsIn(BUILDER, namespace))).toEqual(listedRights(BASIC));
  });

  const connection = async () => {
    const { port, ca } = accessFrom(await readFile(cluster.kubeconfig, "utf8"));
    const token = await run(["-n", SYSTEM, "create", "token", "imgrel-controller"]);
    return {
      ...{ server: new URL(`https://127.0.0.1:${port}/`), tls: { ca }, namespace: SYSTEM },
      headers: async () => ({ authorization: `Bearer ${token}` }),
    };
  };
  it("can do all that the controller does, by its own token, and does nothing else", async () => {
    await applied({
      ...{ apiVersion: "v1", kind: "Secret", metadata: { namespace: SYSTEM, name: "registry" } },
      stringData: { ".dockerconfigjson": "{}" },
    });
    const { client, calls } = recordedClient(await connection());
    const uidOf = ({ plural, group }: { plural: string; group: string }, name: string) =>
      run(["-n", SYSTEM, "get", `${plural}.${group}`, name, "-o", "jsonpath={.metadata.uid}"]);
    await makeAllCalls(client, SYSTEM, uidOf, signal);
    // an apply that makes an object anew is also a create
    const wanted = [...calls, { verb: "create", resource: "diskimagereleases.releases.powernode.io" }];
    expect(listed(wanted)).toEqual(
      listedRights({ ...RIGHTS.own, ...RIGHTS.named, ...RIGHTS.builds, ...RIGHTS.cluster }),
    );
  });
  it("reads no Secret that nobody named", async () => {
    const data = objectData(recordedClient(await connection()).client, SYSTEM, systemClock);
    await expect(data.secret("other", signal)).rejects.toMatchObject({ code: "Unauthorized" });
    expect([...(await data.secret("signing-key", signal)).keys()]).toEqual(["key"]);
  });

  const pod = (namespace: string) => ({
    ...{ apiVersion: "v1", kind: "Pod", metadata: { namespace, name: "p" } },
    spec: { containers: [{ name: "c", image: "x" }] },
  });
  const mounting = (namespace: string) =>
    jobOf({
      ...{ name: "thief", namespace, script: "cat /key/key" },
      pod: { volumes: [{ name: "key", secret: { secretName: "signing-key" } }] },
      container: { volumeMounts: [{ name: "key", mountPath: "/key" }] },
    });
  const binding = (namespace: string) => ({
    ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", metadata: { namespace, name: "more" } },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ kind: "ServiceAccount", namespace: SYSTEM, name: "imgrel-controller" }],
  });
  it.each<[string, string[], object?]>([
    ["make a Job beside the Secrets, which could mount the signing key", ["create", "-f", "-"], mounting(SYSTEM)],
    ["make a pod there", ["create", "-f", "-"], pod(SYSTEM)],
    ["make a pod without a Job", ["create", "-f", "-"], pod(BUILD)],
    ["give itself more rights", ["create", "-f", "-"], binding(SYSTEM)],
    ["give itself more rights where Jobs run", ["create", "-f", "-"], binding(BUILD)],
    ["list Secrets", ["-n", SYSTEM, "get", "secrets"]],
    ["read a Secret of Jobs", ["-n", BUILD, "get", "secret", "imgrel-staging"]],
    ["read in kube-system", ["-n", "kube-system", "get", "configmaps"]],
    ["read pods in kube-system", ["-n", "kube-system", "get", "pods"]],
    ["read namespaces", ["get", "namespaces"]],
    ["read a single node", ["get", "node", "node"]],
    ["keep pods off a node", ["patch", "node", "node", "--type=merge", "-p", '{"spec":{"unschedulable":true}}']],
    ["change its own Deployment", ["-n", SYSTEM, "scale", "deploy/imgrel-controller", "--replicas=0"]],
    ["remove a release", ["-n", SYSTEM, "delete", "direl", "demo"]],
    ["loosen a class", ["-n", SYSTEM, "patch", "direlc", "stable", "--type=merge", "-p", '{"spec":{"gate":{}}}']],
    ["make a token", ["-n", SYSTEM, "create", "token", "default"]],
    ["open the network of Jobs", ["-n", BUILD, "delete", "netpol", "deny-all"]],
  ])("can't %s", async (_what, args, object) => {
    const command = args[0] === "create" ? [...args, "--validate=false"] : args;
    const { exitCode, tail } = await kubectl(
      cluster,
      [...command, `--as=${CONTROLLER}`],
      object && JSON.stringify(object),
    );
    expect([exitCode, tail]).toEqual([1, expect.stringContaining(`is forbidden: User "${CONTROLLER}" cannot `)]);
  });
  it("can make a Job that names the signing key where Jobs run, and there is none", async () => {
    await run(["create", "--validate=false", "-f", "-", `--as=${CONTROLLER}`], JSON.stringify(mounting(BUILD)));
    const about = [
      "-n",
      BUILD,
      "get",
      "events",
      "--field-selector=reason=FailedMount",
      "-o",
      "jsonpath={.items[*].message}",
    ];
    const missing = 'secret "signing-key" not found';
    const says = await eventually("the kubelet finds no such Secret", { seconds: 90 }, async () => {
      const text = await run(about);
      return text.includes(missing) && text;
    });
    expect(says).toContain(missing);
    await run(["-n", BUILD, "delete", "job", "thief"]);
  });
});

describe("a pod of a Job", () => {
  /** an address that no class without allowPrivate is refused, and nobody has (RFC 7526); here the node has it */
  const PUBLIC = "192.88.99.1 443";
  const shape = (name: string, labels: Record<string, string>): Omit<JobShape, "script"> => ({
    ...{ name, namespace: BUILD, labels, pod: { serviceAccountName: "imgrel-builder" } },
  });
  const step = (name: string) => ({ [LABEL.step]: name });
  const TARGETS = [PUBLIC, ...NODE_SERVERS];
  /** What a pod reaches that had ten seconds for it; the policies know it much sooner. */
  const reachedSoon = async (one: Omit<JobShape, "script">) => {
    const { log } = await runJob(cluster, { ...one, script: `sleep 10; ${probing(TARGETS)}` });
    expect(log.trimEnd().split("\n")).toHaveLength(TARGETS.length);
    return TARGETS.filter((target) => log.includes(`${target}: yes`));
  };

  beforeAll(async () => {
    printed(await exec(inNetwork(cluster, "ip", ["address", "add", "192.88.99.1/32", "dev", "lo"])));
  });
  it("reaches nothing if it builds or boots, and only public addresses if it fetches or publishes", async () => {
    const steps = ["build", "boot", "fetch", "publish"];
    const found = await Promise.all(steps.map((one) => reachedSoon(shape(`net-${one}`, step(one)))));
    const stranger = await reachedSoon(shape("net-stranger", {}));
    expect([...found, stranger]).toEqual([[], [], [PUBLIC], [PUBLIC], []]);
  });
  it("reaches a registry inside by the policy of the guide", async () => {
    const [, policy = ""] = /^```yaml\n(apiVersion: networking[^]*?)^```/m.exec(guide) ?? [];
    const [object] = plainManifests(policy.replace("192.0.2.10/32", "10.244.0.1/32").replace("443", "5000"), "guide");
    await applied(object ?? {});
    const registry = "10.244.0.1 5000";
    expect(await reached(cluster, shape("to-registry", step("fetch")), [registry, PUBLIC, "10.244.0.1 443"])).toEqual([
      ...[registry, PUBLIC],
    ]);
    expect(await reachedSoon(shape("no-registry", step("build")))).toEqual([]);
  });
  it("has no token, and the API server refuses it even where it is reached", async () => {
    await create(cluster, {
      ...{ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { namespace: BUILD, name: "hole" } },
      spec: { podSelector: { matchLabels: { app: "asks" } }, policyTypes: ["Egress"], egress: [{}] },
    });
    const wait = "for i in $(seq 60); do nc -w 1 10.96.0.1 443 -e true 2>/dev/null && break; sleep 0.5; done";
    const asking = ["/api", `/api/v1/namespaces/${BUILD}/secrets`, `/apis/batch/v1/namespaces/${BUILD}/jobs`].map(
      (path) => `wget --no-check-certificate -S -O - https://10.96.0.1${path} 2>&1 | grep HTTP/`,
    );
    const script = `ls /var/run/secrets 2>&1; ${wait}; ${asking.join("; ")}; true`;
    const { log } = await runJob(cluster, { ...shape("asks", step("build")), script });
    const [token, ...answers] = log.trimEnd().split("\n");
    expect(token).toContain("No such file or directory");
    expect(answers.filter((line) => /^ *HTTP\/1\.1 40[13] /.test(line))).toHaveLength(asking.length);
    expect(answers.filter((line) => /HTTP\/1\.1 [1235]/.test(line))).toEqual([]);
  });
});

it("is gone without a trace after the lines of the guide", async () => {
  await shell(await guideLines("Uninstall"));
  expect((await globals()).toSorted()).toEqual(before.toSorted());
  expect(await run(["api-resources", "--api-group=releases.powernode.io", "-o", "name"])).toBe("");
});

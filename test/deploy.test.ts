import { readdirSync, readFileSync } from "node:fs";
import { BlockList } from "node:net";
import { dirname, join, relative } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { INSIDE } from "../builders/contract/inside.ts";
import { isPublicAddress } from "../controller/adapters/address-guard.ts";
import { controllerFiles } from "../controller/adapters/image/project-files.ts";
import { serveProbes } from "../controller/adapters/http-server.ts";
import { RIGHTS } from "../controller/adapters/kubernetes/rights.ts";
import { createPrometheusMetrics } from "../controller/adapters/prometheus-metrics.ts";
import { DRAIN_LIMIT } from "../controller/cluster-wiring.ts";
import { DiskImageReleaseClass } from "../controller/domain/class.ts";
import { type Condition, STEPS } from "../controller/domain/conditions.ts";
import { readDocument } from "../controller/domain/documents.ts";
import { jobSettings } from "../controller/domain/jobs/job-settings.ts";
import { REGISTRY_SECRET } from "../controller/domain/jobs/registry-pod.ts";
import {
  hostsIn,
  isExampleHost,
  listed,
  listedRights,
  type Manifest,
  permissionsOf,
  plainManifests,
  textsIn,
} from "./deploy-manifests.ts";

const PROJECT = join(import.meta.dirname, "..");
const FOLDERS = ["deploy/base", "deploy/components", "deploy/example"];
const read = (path: string): string => readFileSync(join(PROJECT, path), "utf8");

const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(PROJECT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(PROJECT, join(entry.parentPath, entry.name))),
);
const manifests = (file: string): Manifest[] => plainManifests(read(file), file);
const all = files.flatMap(manifests);
const ofKind = (kind: string, namespace?: string): Manifest[] =>
  all.filter((one) => one.kind === kind && (namespace === undefined || one.metadata?.namespace === namespace));
const [controller] = ofKind("Deployment");

const Kustomization = z.looseObject({
  resources: z.array(z.string()),
  components: z.array(z.string()).default([]),
});

describe("the files of deploy/", () => {
  it.each([...files.filter((file) => file.endsWith("/kustomization.yaml")), "crds/kustomization.yaml"])(
    "%s names every file beside it, and nothing else",
    (file) => {
      const { resources } = Kustomization.parse(manifests(file)[0]);
      const beside = readdirSync(join(PROJECT, dirname(file))).filter((name) => name !== "kustomization.yaml");
      expect(resources.filter((name) => !name.startsWith("../")).toSorted()).toEqual(beside.toSorted());
    },
  );
  it("name no host that could be one", () => {
    const values = all
      .flatMap((one) => textsIn(one))
      .filter(({ path }) => !/\.(apiVersion|key|topologyKey)$/.test(path));
    const hosts = [...values.map(({ text }) => text), ...files.map(read)].flatMap(hostsIn);
    expect(hosts).toContain("registry.example");
    expect(hosts.filter((host) => !isExampleHost(host))).toEqual([]);
  });
  it("would be found out if they did", () => {
    const bad = "url: https://ghcr.io/x";
    expect([bad, "quay.io/a/b:1", "registry.local:5000/a"].flatMap(hostsIn)).toEqual([
      ...["ghcr.io", "quay.io", "registry.local"],
    ]);
    expect(["ghcr.io", "example.io", "anexample", "example.org.evil"].filter(isExampleHost)).toEqual([]);
    expect(() => plainManifests("a: &x 1\nb: *x\n", "f")).toThrow("the anchor &x; the alias *x");
    expect(() => plainManifests("a: !!str 1\n", "f")).toThrow("f: the tag");
    expect(() => plainManifests("a: 1\na: 2\n", "f")).toThrow("unique");
  });
});

it("no manifest is in the image that it names by digest", async () => {
  const folder = `${INSIDE.project.slice(1)}/deploy/`;
  const placed = [...(await controllerFiles(PROJECT, "amd64")).keys()].filter((path) => path.startsWith(folder));
  const folders = new Set(placed.map((path) => path.slice(folder.length).split("/", 1).join("")));
  expect(folders).toEqual(new Set(["images", "local"]));
});

describe("what the controller may do", () => {
  const WEBHOOK = "imgrel-webhook";
  const roles = (namespace: string) => ofKind("Role", namespace).filter(({ metadata }) => metadata?.name !== WEBHOOK);
  const allowed = (namespace: string) => roles(namespace).flatMap(permissionsOf);
  it("is what its code does, in each of the two namespaces, and more only where it takes webhooks", () => {
    expect(listed(allowed("imgrel-system"))).toEqual(listedRights({ ...RIGHTS.own, ...RIGHTS.named }));
    expect(listed(allowed("imgrel-build"))).toEqual(listedRights(RIGHTS.builds));
    const webhook = manifests("deploy/components/webhook/webhook.yaml").filter(({ kind }) => kind === "Role");
    expect(webhook.map(({ metadata }) => metadata?.name)).toEqual([WEBHOOK]);
    expect(listed(webhook.flatMap(permissionsOf))).toEqual(listedRights(RIGHTS.webhook));
  });
  it("ends at the namespaces' borders, but for the list of nodes, and nobody else is given anything", () => {
    expect(listed(ofKind("ClusterRole").flatMap(permissionsOf))).toEqual(listedRights(RIGHTS.cluster));
    const subjects = [...ofKind("RoleBinding"), ...ofKind("ClusterRoleBinding")].flatMap(
      ({ subjects: them }) => them as unknown[],
    );
    const [first] = subjects;
    expect(first).toEqual({ kind: "ServiceAccount", name: "imgrel-controller", namespace: "imgrel-system" });
    expect(subjects.every((one) => JSON.stringify(one) === JSON.stringify(first))).toBe(true);
  });
  it("reads only the Secrets and ConfigMaps that class and source of the example refer to", () => {
    const refs = [...ofKind("DiskImageReleaseClass"), ...ofKind("DiskImageReleaseSource")]
      .flatMap((one) => textsIn(one.spec))
      .flatMap(({ path, text }) => {
        const [, ref] = /\.(\w+Ref)\.name$/.exec(path) ?? [];
        return ref === undefined ? [] : [{ isConfig: /^(ca|trustedRoot|allowedSigners)Ref$/.test(ref), text }];
      });
    const named = (resource: string) =>
      allowed("imgrel-system").flatMap((one) => (one.resource === resource ? (one.names ?? ["*"]) : []));
    const wanted = (isConfig: boolean) => refs.flatMap((one) => (one.isConfig === isConfig ? [one.text] : []));
    expect(named("secrets").toSorted()).toEqual(wanted(false).toSorted());
    expect(named("configmaps").toSorted()).toEqual(wanted(true).toSorted());
  });
  it("is proved by a token that no other pod has by itself", () => {
    const accounts = ofKind("ServiceAccount").map(({ automountServiceAccountToken }) => automountServiceAccountToken);
    expect(accounts).toEqual([false, false]);
  });
});

const Container = z.looseObject({
  image: z.string(),
  args: z.array(z.string()),
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  ...{ securityContext: z.unknown(), volumeMounts: z.unknown() },
});
const Pod = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      spec: z.looseObject({
        terminationGracePeriodSeconds: z.number(),
        initContainers: z.tuple([Container]),
        containers: z.tuple([
          Container.extend({
            ...{ startupProbe: z.unknown(), livenessProbe: z.unknown(), readinessProbe: z.unknown() },
            ports: z.array(z.looseObject({ name: z.string(), containerPort: z.int() })),
          }),
        ]),
      }),
    }),
  }),
});
const Probe = z.looseObject({ httpGet: z.strictObject({ path: z.string(), port: z.string() }) });

describe("the Deployment", () => {
  const { terminationGracePeriodSeconds, initContainers, containers } = Pod.parse(controller).spec.template.spec;
  it("gives work the time to end, and then the lease", () => {
    expect(terminationGracePeriodSeconds * 1000).toBeGreaterThanOrEqual(DRAIN_LIMIT + 10_000);
  });
  it("compiles with the image, the rights and the folder that it starts with", () => {
    const [compile, main] = [initContainers[0], containers[0]];
    for (const field of ["image", "securityContext", "volumeMounts"] as const) {
      expect([field, compile[field]]).toEqual([field, main[field]]);
    }
    expect(main.env).toEqual(expect.arrayContaining(compile.env));
    expect(compile.env.map(({ name }) => name)).toContain("NODE_COMPILE_CACHE");
    expect(compile.args[0]).toBe(main.args[0]);
  });
  it("asks for its health where it is told", async () => {
    const { startupProbe, livenessProbe, readinessProbe } = containers[0];
    const server = await serveProbes("127.0.0.1:0", {
      livez: () => ({ failing: [] }),
      readyz: () => ({ failing: [] }),
      metrics: async () => ({ type: "text/plain", text: "" }),
    });
    try {
      for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
        const { path, port } = Probe.parse(probe).httpGet;
        expect(containers[0].ports.map(({ name }) => name)).toContain(port);
        const answer = await fetch(`http://127.0.0.1:${server.port}${path}`);
        expect([path, answer.status]).toEqual([path, 200]);
      }
    } finally {
      await server.close();
    }
  });
});

describe("the network of builds", () => {
  const Policy = z.looseObject({
    spec: z.looseObject({
      podSelector: z.looseObject({ matchExpressions: z.array(z.unknown()).optional() }),
      policyTypes: z.array(z.string()),
      ingress: z.array(z.unknown()).default([]),
      egress: z
        .array(
          z.strictObject({
            to: z.array(
              z.looseObject({
                ipBlock: z.strictObject({ cidr: z.string(), except: z.array(z.string()) }).optional(),
              }),
            ),
            ports: z.array(z.unknown()),
          }),
        )
        .default([]),
    }),
  });
  const policies = ofKind("NetworkPolicy", "imgrel-build").map((one) => Policy.parse(one).spec);

  it("is none, but for the two steps that speak with registries", () => {
    expect(policies).toHaveLength(2);
    expect(policies[0]).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"], ingress: [], egress: [] });
    expect(policies[1]?.podSelector.matchExpressions).toEqual([
      { key: "releases.powernode.io/step", operator: "In", values: Object.keys(REGISTRY_SECRET) },
    ]);
  });
  it("reaches no address that a class without allowPrivate may not call", () => {
    const blocks = (policies[1]?.egress ?? []).flatMap(({ to }) => to.flatMap(({ ipBlock }) => ipBlock ?? []));
    expect(blocks.map(({ cidr }) => cidr)).toEqual(["0.0.0.0/0", "::/0"]);
    const closed = new BlockList();
    for (const cidr of blocks.flatMap(({ except }) => except)) {
      const [network = "", prefix] = cidr.split("/");
      closed.addSubnet(network, Number(prefix), network.includes(":") ? "ipv6" : "ipv4");
      expect([network, isPublicAddress(network)]).toEqual([network, false]);
    }
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6(),
          fc
            .tuple(fc.constantFrom("10", "127", "169.254", "172.16", "192.168", "100.64"), fc.nat(255))
            .map(([start, end]) => `${start}${".0".repeat(3 - start.split(".").length)}.${end}`),
        ),
        (address) => {
          const isOpen = !closed.check(address, address.includes(":") ? "ipv6" : "ipv4");
          expect(isOpen && !isPublicAddress(address)).toBe(false);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("the example", () => {
  const Source = z.looseObject({ spec: z.looseObject({ allowedClasses: z.array(z.string()) }) });
  const image = `registry.example/imgrel/controller@sha256:${"0".repeat(64)}`;
  it.each(["class", "source"])("has a %s that imgrel takes", (name) => {
    const file = `deploy/example/${name}.yaml`;
    expect(readDocument(read(file), file)).toMatchObject({ ok: true });
  });
  it("has a class for a cluster, with the namespaces and the account of the base", () => {
    const ofClass = DiskImageReleaseClass.parse(manifests("deploy/example/class.yaml")[0]);
    const { namespace, serviceAccountName } = jobSettings(ofClass.spec, image);
    expect(ofKind("ServiceAccount", namespace).map(({ metadata }) => metadata?.name)).toEqual([serviceAccountName]);
    expect(ofClass.metadata.namespace).toBe(controller?.metadata?.namespace);
    const source = Source.parse(manifests("deploy/example/source.yaml")[0]);
    expect(source.spec.allowedClasses).toEqual([ofClass.metadata.name]);
  });
});

describe("docs/install.md", () => {
  const guide = read("docs/install.md");
  const firstCells = [...guide.matchAll(/^\| `([^`|]+)`/gm)].map(([, cell = ""]) => cell);
  const failures = Object.values(STEPS).flatMap(
    ({ reasons }: { reasons: Record<string, { status: Condition["status"] }> }) =>
      Object.entries(reasons).flatMap(([reason, { status }]) => (status === "False" ? [reason] : [])),
  );
  it.each([...new Set(failures)])("says what to do about %s", (reason) => {
    expect(firstCells).toContain(reason);
  });
  it("lists every metric, and none that there is not", async () => {
    const metrics = createPrometheusMetrics();
    metrics.showQueue(() => ({ depth: 0, adds: 0, retries: 0, longestRunning: 0 }));
    metrics.showReleases(() => new Map());
    metrics.showLeader(() => false);
    const { text } = await metrics.expose();
    const names = [...text.matchAll(/^# HELP (\S+)/gm)].map(([, name = ""]) => name);
    expect(firstCells.filter((cell) => cell.startsWith("imgrel_")).toSorted()).toEqual(names.toSorted());
  });
});

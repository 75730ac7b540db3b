import { createHmac } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { exec } from "../../builders/host/exec.ts";
import { PROJECT } from "../imgrel.ts";
import { type Cluster, inNetwork, kubectl, printed } from "./cluster/cluster.ts";
import { takeDown } from "./cluster/down.ts";
import { eventually } from "./cluster/eventually.ts";
import { bringUp } from "./cluster/up.ts";
import { pushOwnImages } from "./own-images.ts";

// The Deployment itself, from the image that imgrel makes of itself: two pods, of which one leads.
const NAME = "deployed";
const SYSTEM = "imgrel-system";
const { signal } = new AbortController();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const guide = await readFile(join(PROJECT, "docs/install.md"), "utf8");
let cluster: Cluster;
let room = "";

const run = async (args: readonly string[], input?: string): Promise<string> =>
  printed(await kubectl(cluster, ["--namespace", SYSTEM, ...args], input)).trimEnd();
/** Applies files or a kustomization, in whatever namespaces. */
const apply = async (...args: readonly string[]): Promise<string> =>
  printed(await kubectl(cluster, ["apply", "--server-side", ...args]));
const applied = (object: object): Promise<string> => run(["apply", "--server-side", "-f", "-"], JSON.stringify(object));
const secret = (name: string, stringData: Readonly<Record<string, string>>): Promise<string> =>
  applied({ apiVersion: "v1", kind: "Secret", metadata: { name }, stringData });

const Patches = z.object({ patches: z.array(z.unknown()) });
/** The webhook's HMAC key. */
const KEY = "key-of-the-forge";

/** The example with an image that there is, and with webhooks. */
async function overlay(image: string): Promise<void> {
  const [newName, digest] = image.split("@");
  const select = { kind: "Deployment", name: "imgrel-controller" };
  const container = "spec.template.spec.containers.[name=controller]";
  const kustomization = {
    ...{ apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization" },
    resources: [relative(room, join(PROJECT, "deploy/example"))],
    components: [relative(room, join(PROJECT, "deploy/components/webhook"))],
    patches: [
      {
        target: { kind: "DiskImageReleaseSource" },
        patch: stringify([{ op: "add", path: "/spec/nudge", value: { secretRef: { name: "git-webhook" } } }]),
      },
      ...Patches.parse(parse(/^```yaml\n(patches:[^]*?)^```/m.exec(guide)?.[1] ?? "")).patches,
      {
        target: { kind: "Role", name: "imgrel-controller-data" },
        patch: stringify([{ op: "add", path: "/rules/0/resourceNames/-", value: "git-webhook" }]),
      },
    ],
    images: [{ name: "registry.example/imgrel/controller", newName, digest }],
    replacements: [
      {
        source: { ...select, fieldPath: `${container}.image` },
        targets: [{ select, fieldPaths: [`${container}.env.[name=IMGREL_IMAGE].value`] }],
      },
    ],
  };
  await writeFile(join(room, "kustomization.yaml"), stringify(kustomization));
}

const Pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), deletionTimestamp: z.string().optional() }),
      status: z.object({
        podIP: z.string().optional(),
        conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
        containerStatuses: z.array(z.object({ restartCount: z.int() })).default([]),
      }),
    }),
  ),
});
/** Those that are ready and stay. */
async function readyPods() {
  const { items } = Pods.parse(JSON.parse(await run(["get", "pods", "-o", "json"])));
  return items.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status.conditions.some(({ type, status: value }) => type === "Ready" && value === "True"),
  );
}
const bothReady = () =>
  eventually("both pods are ready", { seconds: 120 }, async () => {
    const pods = await readyPods();
    return pods.length === 2 && pods;
  });
/** The pod that holds the lease. */
const leader = async (): Promise<string> => {
  const holder = await run(["get", "lease", "imgrel-controller", "-o", "jsonpath={.spec.holderIdentity}"]);
  return holder.replace(/-[0-9a-f]{8}$/, "");
};
const answerOf = (pod: string, path: string): Promise<string> =>
  run(["get", "--raw", `/api/v1/namespaces/${SYSTEM}/pods/${pod}:8080/proxy${path}`]);

const POST = `const [url, signature, body] = process.argv.slice(1);
fetch(url, { method: "POST", body, headers: { "x-hub-signature-256": signature } }).then(({ status }) => console.log(status));`;
/** The status that a pod's webhook answers with; who calls is on the node. */
async function nudge(address: string, key: string): Promise<string> {
  const body = '{"ref":"refs/heads/main"}';
  const signature = `sha256=${createHmac("sha256", key).update(body).digest("hex")}`;
  const args = ["-e", POST, `http://${address}:8090/hooks/releases`, signature, body];
  return printed(await exec(inNetwork(cluster, process.execPath, args))).trim();
}

beforeAll(async () => {
  await takeDown(NAME, signal);
  room = await mkdtemp(join(tmpdir(), "imgrel-deployed-"));
  cluster = await bringUp(NAME, { say, signal }, { policies: true });
  const { controller } = await pushOwnImages(cluster.registry, "10.244.0.1:5000");
  await overlay(controller);
  await apply("-k", join(PROJECT, "crds"));
  await run(["wait", "--for=condition=Established", "--timeout=600s", "crd", "--all"]);
  await apply("-f", join(PROJECT, "deploy/base/namespaces.yaml"));
  await secret("git", { username: "imgrel", password: "s3cret-of-git" });
  await secret("git-webhook", { secret: KEY });
  await secret("record-signing-key", { "ssh-privatekey": "not one" });
  const metadata = { name: "spec-signers" };
  await applied({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { allowed_signers: "# none\n" } });
  await apply("-k", room);
});
afterAll(async () => {
  await takeDown(NAME, signal);
  await rm(room, { recursive: true, force: true });
});

describe("the Deployment", () => {
  it("is rolled out: two pods run and are ready", async () => {
    const rollout = ["rollout", "status", "deployment/imgrel-controller", "--timeout=600s"];
    expect(await run(rollout)).toContain("successfully rolled out");
    expect((await bothReady()).flatMap(({ status }) => status.containerStatuses)).toEqual([
      ...[{ restartCount: 0 }, { restartCount: 0 }],
    ]);
  });

  it("has one leader, which says so in its metrics", async () => {
    const names = (await bothReady()).map(({ metadata }) => metadata.name);
    const leads = await eventually("one of them leads", { seconds: 60 }, async () => {
      const name = await leader();
      return names.includes(name) && name;
    });
    for (const name of names) {
      const metrics = await answerOf(name, "/metrics");
      expect(metrics).toContain(`\nimgrel_leader ${name === leads ? 1 : 0}\n`);
      expect(await answerOf(name, "/livez")).toBe("ok");
    }
  });

  it("reads source and Secrets, and tells in the source's status what it could not do", async () => {
    const reason = ["get", "dirs", "releases", "-o", 'jsonpath={.status.conditions[?(@.type=="Ready")].reason}'];
    const found = await eventually(
      "the source has a status",
      { seconds: 60 },
      async () => (await run(reason)) || false,
    );
    // no name is known in this cluster
    expect(found).toBe("RepositoryUnavailable");
  });

  it("takes signed webhooks on either pod; the one that stands by asks the one that leads", async () => {
    const asked = "jsonpath={.metadata.annotations.releases\\.powernode\\.io/reconcileAt}";
    const leads = await leader();
    const pods = await bothReady();
    const addressOf = (isLeader: boolean) =>
      pods.find(({ metadata }) => (metadata.name === leads) === isLeader)?.status.podIP ?? "";
    expect(await nudge(addressOf(false), "another key")).toBe("401");
    expect(await nudge(addressOf(true), KEY)).toBe("202");
    expect(await run(["get", "dirs", "releases", "-o", asked])).toBe("");
    expect(await nudge(addressOf(false), KEY)).toBe("202");
    const at = await eventually("the source is asked for", { seconds: 20 }, async () => {
      return (await run(["get", "dirs", "releases", "-o", asked])) || false;
    });
    expect(Date.parse(at)).toBeGreaterThan(0);
  });

  it("goes on with the other pod when the one that leads is removed, and is whole again", async () => {
    const before = await leader();
    await run(["delete", "pod", before, "--wait=false"]);
    const after = await eventually("another leads", { seconds: 60 }, async () => {
      const name = await leader();
      return name !== "" && name !== before && name;
    });
    const names = (await bothReady()).map(({ metadata }) => metadata.name);
    expect(names).not.toContain(before);
    expect(await answerOf(after, "/metrics")).toContain("\nimgrel_leader 1\n");
  });

  it("was refused nothing by the API server, and keeps its secrets to itself", async () => {
    const logs = await Promise.all((await bothReady()).map(({ metadata }) => run(["logs", metadata.name])));
    for (const log of logs) {
      expect(log).toContain("the controller starts");
      expect(log).not.toMatch(/forbidden|Unauthorized|ClusterRefused|s3cret-of-git/);
    }
  });
});

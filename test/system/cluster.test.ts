import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exec } from "../../builders/host/exec.ts";
import { openRegistry } from "../../controller/adapters/oci/registry.ts";
import { ask } from "./cluster/api.ts";
import { type Cluster, findCluster, inNetwork, killPart, kubectl, printed } from "./cluster/cluster.ts";
import { accessFrom } from "./cluster/credentials.ts";
import { takeDown } from "./cluster/down.ts";
import { eventually } from "./cluster/eventually.ts";
import { busyboxLayer, storeImage } from "./cluster/images.ts";
import { create, endOf, jobOf, podsOf, runJob } from "./cluster/jobs.ts";
import { NODE_SERVERS, probing, reached, startListener } from "./cluster/probes.ts";
import { clusterNetwork, tracesOf } from "./cluster/traces.ts";
import { bringUp } from "./cluster/up.ts";

const NAME = "cluster-test";
const { signal } = new AbortController();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
let cluster: Cluster;

beforeAll(async () => {
  await takeDown(NAME, signal);
  cluster = await bringUp(NAME, { say, signal });
});
afterAll(() => takeDown(NAME, signal));

const get = async (...args: readonly string[]): Promise<string> => printed(await kubectl(cluster, ["get", ...args]));

describe("a node", () => {
  test("is of the pinned version, ready, and has no alien in it", async () => {
    const version = "jsonpath={.items[*].status.nodeInfo.kubeletVersion}";
    expect(await get("nodes", "--output", version)).toBe("v1.34.4\n");
    expect(await get("pods", "--all-namespaces", "--output", "name")).toBe("");
  });

  test("runs a Job to its end", async () => {
    const end = await runJob(cluster, { name: "good", script: "echo hello from $(hostname)" });
    expect(end).toMatchObject({ condition: "Complete", terminated: { exitCode: 0 } });
    expect(end.log).toMatch(/^hello from good-/);
  });

  test("tells a Job that failed by the exit code of its container", async () => {
    const end = await runJob(cluster, { name: "bad", script: "echo no such package >&2; exit 7" });
    expect(end).toMatchObject({ condition: "Failed", reason: "BackoffLimitExceeded", terminated: { exitCode: 7 } });
    expect(end.log).toBe("no such package\n");
  });

  test("ends a container that takes more memory than its limit", async () => {
    const container = { resources: { limits: { memory: "48Mi" } } };
    const end = await runJob(cluster, { name: "hungry", script: "tail /dev/zero", container });
    expect(end).toMatchObject({ condition: "Failed", terminated: { exitCode: 137, reason: "OOMKilled" } });
  });

  test("ends a Job that is past its deadline", async () => {
    const end = await runJob(cluster, { name: "slow", script: "sleep 600", job: { activeDeadlineSeconds: 3 } });
    expect(end).toMatchObject({ condition: "Failed", reason: "DeadlineExceeded" });
  });

  test("gives a pod a token that the API server knows, and none where none is wanted", async () => {
    const script = "cat /var/run/secrets/kubernetes.io/serviceaccount/token";
    const token = (await runJob(cluster, { name: "known", script })).log;
    const access = accessFrom(await readFile(cluster.kubeconfig, "utf8"));
    const secrets = "/api/v1/namespaces/default/secrets";
    expect((await ask(access, secrets))?.status).toBe(200);
    expect((await ask({ ...access, token }, secrets))?.status).toBe(403); // known, without rights
    expect((await ask({ ...access, token: `${token}x` }, secrets))?.status).toBe(401);
    const pod = { automountServiceAccountToken: false };
    expect((await runJob(cluster, { name: "unknown", script, pod })).condition).toBe("Failed");
  });
});

test("a claim binds one of the static volumes, which its fsGroup may write and a later Job reads", async () => {
  const claim = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "out" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "5Gi" } } },
  };
  await create(cluster, claim);
  const pod = {
    securityContext: { runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532 },
    volumes: [{ name: "out", persistentVolumeClaim: { claimName: "out" } }],
  };
  const container = { volumeMounts: [{ name: "out", mountPath: "/out" }] };
  const shape = { pod, container };
  const wrote = await runJob(cluster, { name: "writes", script: "echo artifact > /out/a.img", ...shape });
  expect(wrote.condition).toBe("Complete");
  const read = await runJob(cluster, { name: "reads", script: "cat /out/a.img", ...shape });
  expect(read.log).toBe("artifact\n");
  const volume = (await get("pvc", "out", "--output", "jsonpath={.spec.volumeName}")).trim();
  expect(await readFile(join(cluster.folder, "lib/volumes", volume, "a.img"), "utf8")).toBe("artifact\n");
});

describe("a pod's network", () => {
  test("reaches the API server, the registry and other pods", async () => {
    const { address } = await startListener(cluster, "open-listener");
    const targets = [...NODE_SERVERS, `${address} 7000`];
    expect(await reached(cluster, { name: "open" }, targets)).toEqual(targets);
  });

  test("of the class nonet reaches nothing: no address, no route, no link-local neighbour", async () => {
    const nonet = { runtimeClassName: "nonet" };
    const plain = await startListener(cluster, "plain-peer");
    const peer = await startListener(cluster, "nonet-peer", nonet);
    expect(peer.linkLocal).not.toBe("");
    const asked = [...NODE_SERVERS, `${plain.address} 7000`, `${peer.linkLocal}%eth0 7000`];
    const script = `ip route; ip -6 route show default; ip neigh; echo routes shown; ${probing(asked)}`;
    const { log } = await runJob(cluster, { name: "nonet", script, pod: nonet });
    expect(log.trimEnd().split("\n")).toEqual(["routes shown", ...asked.map((target) => `${target}: no`)]);
    // the way it was asked finds a link-local address where there is one: the pod's own other end
    const own = probing(["$(ip -o -6 address show dev nowhere | sed 's/.*inet6 \\([^/]*\\).*/\\1/')%eth0 7000"]);
    const self = await runJob(cluster, {
      name: "nonet-self",
      script: `nc -ll -p 7000 -e true & sleep 2; ${own}`,
      pod: nonet,
    });
    expect(self.log).toContain(": yes");
  });

  test("leads to a program of this machine that runs in it, and that ends with it", async () => {
    const stopServer = new AbortController();
    const server = `require("node:http").createServer((q, a) => a.end("served")).listen(8080, "10.244.0.1")`;
    const running = exec({ ...inNetwork(cluster, process.execPath, ["-e", server]), signal: stopServer.signal });
    running.catch(() => undefined); // ended below
    const script = "for i in 1 2 3 4 5 6 7 8 9; do nc -w 3 10.244.0.1 8080 < /tmp/request && exit; sleep 1; done";
    const request = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' > /tmp/request; ${script}`;
    const { log } = await runJob(cluster, { name: "asks", script: request });
    expect(log).toContain("served");
    stopServer.abort();
    await expect(running).rejects.toThrow("abort");
  });
});

describe("Pod Security", () => {
  const namespace = (name: string) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: `pods-${name}`, labels: { "pod-security.kubernetes.io/enforce": name } },
  });
  const pod = (level: string, name: string, spec: object, container: object) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: `pods-${level}` },
    spec: { ...spec, containers: [{ name: "main", image: "localhost/busybox:1", ...container }] },
  });
  const EIGHT = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETUID", "SETGID", "SYS_CHROOT", "MKNOD"];
  const seccomp = { seccompProfile: { type: "RuntimeDefault" } };
  const builder = {
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"], add: EIGHT } },
  };
  const bare = { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } };
  const nobody = { securityContext: { runAsNonRoot: true, runAsUser: 65532, ...seccomp } };
  const tried = async (manifest: object) => {
    const { exitCode, tail } = await kubectl(cluster, ["create", "-f", "-"], JSON.stringify(manifest));
    return exitCode === 0 ? "accepted" : tail;
  };

  beforeAll(() => create(cluster, namespace("baseline"), namespace("restricted")));

  test("baseline takes a builder with its eight capabilities, and refuses host folders and privileged pods", async () => {
    expect(await tried(pod("baseline", "builder", { securityContext: seccomp }, builder))).toBe("accepted");
    const host = { volumes: [{ name: "host", hostPath: { path: "/" } }] };
    expect(await tried(pod("baseline", "host", host, {}))).toContain("hostPath");
    const privileged = { securityContext: { privileged: true } };
    expect(await tried(pod("baseline", "privileged", {}, privileged))).toContain("privileged");
  });

  test("restricted takes a boot without capabilities, and refuses a builder", async () => {
    expect(await tried(pod("restricted", "boot", nobody, bare))).toBe("accepted");
    expect(await tried(pod("restricted", "builder", nobody, builder))).toContain("unrestricted capabilities");
  });
});

describe("the registry", () => {
  const open = () =>
    openRegistry({ repository: `${cluster.registry}/tests/busybox`, network: { allowPrivate: true, allowHTTP: true } });

  test("takes an image from this machine, which the kubelet pulls by digest", async () => {
    const layer = await busyboxLayer(cluster.folder);
    const digest = await storeImage(open(), [layer], ["/bin/echo", "pulled"], "v1", signal);
    const image = `10.244.0.1:5000/tests/busybox@${digest}`;
    const end = await runJob(cluster, { name: "pulls", image, script: "echo pulled" });
    expect(end).toMatchObject({ condition: "Complete", log: "pulled\n" });
    const events = await get("events", "--output", "jsonpath={.items[*].message}");
    expect(events).toContain(`Successfully pulled image "${image}"`);
  });

  test("has no image of another digest", async () => {
    const shape = { name: "misses", script: "true", image: `10.244.0.1:5000/tests/busybox@sha256:${"0".repeat(64)}` };
    await create(cluster, jobOf(shape));
    const reason = await eventually("the pull fails", { seconds: 60 }, async () => {
      const [pod] = await podsOf(cluster, shape);
      const waiting = pod?.status.containerStatuses[0]?.state.waiting?.reason;
      return waiting === "ContainerCreating" ? undefined : waiting;
    });
    expect(reason).toMatch(/^(ErrImagePull|ImagePullBackOff)$/);
  });
});

test("an API server that is killed comes back with all it knew, and Jobs go on", async () => {
  const shape = { name: "lasting", script: "sleep 5; echo still here" };
  await create(cluster, jobOf(shape));
  const pidFile = join(cluster.folder, "parts/kube-apiserver.pid");
  const before = await readFile(pidFile, "utf8");
  await killPart(cluster, "kube-apiserver");
  await eventually("the API server is ready again", { seconds: 60 }, async () => {
    const { exitCode } = await kubectl(cluster, ["get", "--raw", "/readyz"]);
    return exitCode === 0 && (await readFile(pidFile, "utf8")) !== before ? true : undefined;
  });
  expect(await endOf(cluster, shape)).toMatchObject({ condition: "Complete", log: "still here\n" });
  expect((await runJob(cluster, { name: "later", script: "true" })).condition).toBe("Complete");
});

test("an API server that is stopped is silent until it is continued", async () => {
  const ready = () => kubectl(cluster, ["get", "--raw", "/readyz", "--request-timeout=3s"]);
  await killPart(cluster, "kube-apiserver", "STOP");
  try {
    expect((await ready()).exitCode).not.toBe(0);
  } finally {
    await killPart(cluster, "kube-apiserver", "CONT");
  }
  await eventually("it answers again", { seconds: 30 }, async () => (await ready()).exitCode === 0);
  expect(await get("nodes", "--output", "name")).toBe("node/node\n");
});

describe("a second cluster, beside the first", () => {
  const SECOND = "cluster-test-2";
  let devices: string[] = [];
  let second: Cluster;
  beforeAll(async () => {
    devices = await readdir("/sys/class/net");
    second = await bringUp(SECOND, { say, signal }, { policies: true, secondNode: "arm64" });
  });
  afterAll(() => takeDown(SECOND, signal));

  test("has a second node of another architecture, where a Job that asks for it runs", async () => {
    const shape = { name: "arm", pod: { nodeSelector: { "kubernetes.io/arch": "arm64" } }, script: "echo ran" };
    expect(await runJob(second, shape)).toMatchObject({ condition: "Complete", log: "ran\n" });
    const [pod] = await podsOf(second, shape);
    expect(pod?.spec.nodeName).toBe("node-2");
    // its kubelet has said amd64 by now, as it does with every status
    const labels = "jsonpath={.items[*].metadata.labels.kubernetes\\.io/arch}";
    expect(printed(await kubectl(second, ["get", "nodes", "--output", labels]))).toBe("amd64 arm64\n");
  });

  const policy = (name: string, app: string, rules: object) => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name },
    spec: { podSelector: { matchLabels: { app } }, ...rules },
  });
  const REGISTRY = { to: [{ ipBlock: { cidr: "10.244.0.1/32" } }], ports: [{ protocol: "TCP", port: 5000 }] };

  test("lets a pod send only where its NetworkPolicy says", async () => {
    const { address } = await startListener(second, "peer");
    await create(second, policy("builders", "builder", { policyTypes: ["Egress"], egress: [REGISTRY] }));
    const targets = ["10.244.0.1 5000", "10.244.0.1 443", "10.96.0.1 443", `${address} 7000`];
    expect(await reached(second, { name: "unbound" }, targets)).toEqual(targets);
    expect(await reached(second, { name: "builder" }, targets)).toEqual(["10.244.0.1 5000"]);
  });

  test("lets a pod be reached only by those whom its NetworkPolicy names", async () => {
    const from = [{ podSelector: { matchLabels: { app: "friend" } } }];
    await create(second, policy("guarded", "guarded", { policyTypes: ["Ingress"], ingress: [{ from }] }));
    const { address } = await startListener(second, "guarded");
    const targets = ["10.244.0.1 5000", `${address} 7000`];
    expect(await reached(second, { name: "stranger" }, targets)).toEqual(["10.244.0.1 5000"]);
    expect(await reached(second, { name: "friend" }, targets.toReversed())).toEqual(targets.toReversed());
  });

  test("is the one that a second up finds, and leaves nothing once it is down", async () => {
    expect((await bringUp(SECOND, { say, signal })).apiPort).toBe(second.apiPort);
    const network = await clusterNetwork(SECOND);
    const up = await tracesOf(SECOND, network);
    expect(up.processes).toBeGreaterThan(10);
    expect(up.controlGroups).toBeGreaterThan(0);
    const { promise: started, resolve: onLine } = Promise.withResolvers<string>();
    const script = "echo started; exec sleep 600";
    const outlasting = exec({ ...inNetwork(second, "sh", ["-c", script]), onLine });
    expect(await started).toBe("started");
    await takeDown(SECOND, signal);
    expect((await outlasting).exitCode).toBe(137);
    expect(await tracesOf(SECOND, network)).toEqual({ processes: 0, controlGroups: 0, folder: false });
    expect(await findCluster(SECOND)).toBeUndefined();
    expect(await readdir("/sys/class/net")).toEqual(devices);
    expect(await get("nodes", "--output", "name")).toBe("node/node\n");
  });
});

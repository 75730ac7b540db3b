import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { createApiClient } from "../../controller/adapters/kubernetes/api-client.ts";
import { SECRETS } from "../../controller/adapters/kubernetes/object-data.ts";
import { CLASSES, RELEASES, SOURCES } from "../../controller/adapters/kubernetes/release-kinds.ts";
import { LEASES } from "../../controller/adapters/kubernetes/resource.ts";
import { makeCertificate } from "../certificate.ts";
import { type ControllerProcess, startController } from "../controller-process.ts";
import { sourceObject } from "../fakes/cluster-objects.ts";
import { type KubernetesApi, startKubernetesApi } from "../fakes/kubernetes-api.ts";
import { eventually } from "../system/cluster/eventually.ts";

// The real command line, as a process, against the fake API server behind TLS.
const IMAGE = `registry.example/imgrel/controller@sha256:${"a".repeat(64)}`;
const NAMESPACE = "imgrel-system";
const LEASE = { resource: LEASES, namespace: NAMESPACE, name: "imgrel-controller" };
const HMAC_KEY = "key-of-the-webhook";
const { signal } = new AbortController();

let folder = "";
let api: KubernetesApi;
const client = () => createApiClient({ server: api.url, tls: {}, headers: async () => ({}), namespace: NAMESPACE });

/** TLS in front of the API server; it can be taken away and come back at the same port. */
async function startFront() {
  const options = { key: await readFile(join(folder, "api.key")), cert: await readFile(join(folder, "api.crt")) };
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;
  const open = async (): Promise<void> => {
    const started = createServer(options, (socket) => {
      // its handshake was still under way when all others were ended
      if (!started.listening) {
        socket.destroy();
        return;
      }
      const behind = connect(Number(api.url.port), "127.0.0.1");
      for (const one of [socket, behind]) {
        sockets.add(one);
        one.on("error", () => undefined);
        one.on("close", () => {
          sockets.delete(one);
          socket.destroy();
          behind.destroy();
        });
      }
      socket.pipe(behind).pipe(socket);
    });
    await new Promise<void>((listening) => started.listen(port, "127.0.0.1", listening));
    const address = started.address();
    if (typeof address === "object" && address !== null) ({ port } = address);
    server = started;
  };
  const close = async (): Promise<void> => {
    const closed = new Promise((done) => (server === undefined ? done(null) : server.close(done)));
    for (const socket of sockets) socket.destroy();
    await closed;
    server = undefined;
  };
  await open();
  return { open, close, port: () => port };
}
let front: Awaited<ReturnType<typeof startFront>>;

const running: ControllerProcess[] = [];
const start = (...args: readonly string[]): ControllerProcess => {
  const places = ["--image", IMAGE, "--namespace", NAMESPACE, "--kubeconfig", join(folder, "kubeconfig")];
  const controller = startController(...places, ...args);
  running.push(controller);
  return controller;
};
const holder = async () => {
  const found = await client().get(LEASE, signal);
  return (found?.["spec"] as { readonly holderIdentity?: string } | undefined)?.holderIdentity ?? "";
};
const statusOf = async (name: string) => {
  const found = await client().get({ resource: SOURCES, namespace: NAMESPACE, name }, signal);
  return (found?.["status"] ?? {}) as { readonly lastHandledReconcileAt?: string };
};
/** Looks at keys so far. */
const looks = async (one: ControllerProcess): Promise<number> => {
  const { text } = await one.get("/metrics");
  return Number(/^imgrel_reconcile_total\{result="success"\} ([0-9]+)$/m.exec(text)?.[1] ?? 0);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-controller-command-"));
  await makeCertificate(folder, "api");
  api = await startKubernetesApi();
  front = await startFront();
  const cluster = { server: `https://127.0.0.1:${front.port()}`, "certificate-authority": join(folder, "api.crt") };
  const kubeconfig = {
    ...{ apiVersion: "v1", kind: "Config", "current-context": "here" },
    contexts: [{ name: "here", context: { cluster: "c", user: "u" } }],
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user: { token: "abc" } }],
  };
  await writeFile(join(folder, "kubeconfig"), stringify(kubeconfig));
  const nudge = { secretRef: { name: "git-webhook" } };
  await client().create(SOURCES, sourceObject("releases", NAMESPACE, { suspend: true, nudge }), signal);
  await client().create(SOURCES, sourceObject("quiet", NAMESPACE, { suspend: true }), signal);
  const data = { secret: Buffer.from(HMAC_KEY).toString("base64") };
  await client().create(SECRETS, { metadata: { namespace: NAMESPACE, name: "git-webhook" }, data }, signal);
});
afterEach(async () => {
  for (const { end } of running.splice(0)) end();
  await client().remove(LEASE, {}, signal);
});
afterAll(async () => {
  await front.close();
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe("imgrel controller", () => {
  it("waits for an API server that cannot be reached, and says so; SIGTERM ends it in order", async () => {
    await front.close();
    const controller = start();
    expect(await controller.get("/healthz")).toEqual({ status: 200, text: "ok\n" });
    const unready = await controller.get("/readyz");
    expect(unready.status).toBe(503);
    expect(unready.text).toMatch(/^releases were not read yet$/m);
    expect(unready.text).toMatch(/^the API server does not answer$/m);
    await controller.told("a watch is begun anew", { resource: RELEASES.plural });
    await front.open();
    await controller.becomes(200);
    const led = await controller.told("this process leads");
    expect(await holder()).toBe(led["identity"]);
    const { text } = await controller.get("/metrics");
    expect(text).toMatch(/^imgrel_leader 1$/m);
    expect(text).toMatch(/^imgrel_watch_restarts_total\{resource="diskimagereleases",cause="reset"\} [1-9]/m);
    controller.kill("SIGTERM");
    expect((await controller.outcome).exitCode).toBe(0);
    expect(await holder()).toBe(""); // given back
  });

  it("ends in order on SIGTERM also while it waits for the API server", async () => {
    await front.close();
    try {
      const controller = start();
      await controller.told("a watch is begun anew", { resource: CLASSES.plural });
      controller.kill("SIGTERM");
      expect((await controller.outcome).exitCode).toBe(0);
    } finally {
      await front.open();
    }
  });

  it("that stands by is not ready while the API server is away, and is again when it is back", async () => {
    const metadata = { namespace: NAMESPACE, name: LEASE.name };
    const spec = { holderIdentity: "another", leaseDurationSeconds: 3600 };
    await client().create(LEASES, { metadata, spec }, signal);
    const controller = start();
    await controller.becomes(200);
    await front.close();
    try {
      expect((await controller.becomes(503)).text).toBe("the API server does not answer\n");
      expect((await controller.get("/healthz")).status).toBe(200);
    } finally {
      await front.open();
    }
    await controller.becomes(200);
    expect((await controller.get("/metrics")).text).toMatch(/^imgrel_leader 0$/m);
  });

  it("that leads and cannot renew its lease ends, with exit code 1 and the reason", async () => {
    const controller = start();
    await controller.told("this process leads");
    await front.close();
    try {
      expect((await controller.outcome).exitCode).toBe(1);
    } finally {
      await front.open();
    }
    const failed = controller.log().find(({ msg }) => msg === "command failed");
    expect(failed).toMatchObject({ level: "error", code: "LeaseLost", bug: false, exitCode: 1 });
    expect(failed?.["message"]).toBe("the lease was lost: it was not renewed in time");
  });

  it("of two, one leads and one stands by, both ready; a webhook reaches who leads through either", async () => {
    const first = start();
    await first.told("this process leads");
    const second = start("--builder-id", "https://a.example/builders/prod@v1");
    await Promise.all([first.becomes(200), second.becomes(200)]);
    expect((await second.get("/metrics")).text).toMatch(/^imgrel_leader 0$/m);

    const before = await looks(first);
    expect(await first.nudge("releases", '{"ref":"of the push"}', HMAC_KEY)).toBe(202);
    await eventually("another look", { seconds: 30 }, async () => (await looks(first)) > before);
    expect((await statusOf("releases")).lastHandledReconcileAt).toBeUndefined();

    expect(await second.nudge("releases", '{"ref":"of the push"}', HMAC_KEY)).toBe(202);
    const isHandled = async () => (await statusOf("releases")).lastHandledReconcileAt;
    await eventually("a look for the annotation", { seconds: 30 }, isHandled);
    expect(await second.nudge("releases", "{}", "another key")).toBe(401);
    expect(await second.nudge("quiet", "{}", HMAC_KEY)).toBe(404);
    expect(await second.nudge("unknown", "{}", HMAC_KEY)).toBe(404);

    first.kill("SIGINT");
    expect((await first.outcome).exitCode).toBe(0);
    await second.told("this process leads");
    second.kill("SIGTERM");
    expect((await second.outcome).exitCode).toBe(0);
    for (const line of [...first.lines, ...second.lines]) {
      expect(line).toMatch(/^\{.*\}$/);
      expect(line).not.toMatch(new RegExp(`${HMAC_KEY}|of the push`));
    }
  });

  it("whose lease another holds ends at once, with exit code 1 and the reason", async () => {
    const controller = start();
    await controller.told("this process leads");
    await client().patch(LEASE, { spec: { holderIdentity: "another", leaseTransitions: 9 } }, {}, signal);
    expect((await controller.outcome).exitCode).toBe(1);
    const failed = controller.log().find(({ msg }) => msg === "command failed");
    expect(failed).toMatchObject({ code: "LeaseLost", message: "the lease was lost: another holds it" });
  });

  it.each([
    ["a kubeconfig that is not there", ["--kubeconfig", "/nowhere/config"], 4, "InputMissing"],
    ["an address where it cannot listen", ["--listen", "192.0.2.1:80"], 2, "Usage"],
  ])("says what is wrong with %s, once", async (_what, args, code, fault) => {
    const controller = start(...args);
    expect((await controller.outcome).exitCode).toBe(code);
    const failures = controller.log().filter(({ level }) => level === "error");
    expect(failures).toMatchObject([{ msg: "command failed", code: fault, bug: false }]);
  });
});

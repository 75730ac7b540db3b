import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { createApiClient } from "../../controller/adapters/kubernetes/api-client.ts";
import type { ApiConnection } from "../../controller/adapters/kubernetes/connection.ts";
import { connectInCluster, isInCluster } from "../../controller/adapters/kubernetes/in-cluster.ts";
import { connectByKubeconfig } from "../../controller/adapters/kubernetes/kubeconfig.ts";
import { PODS } from "../../controller/adapters/kubernetes/resource.ts";
import { makeCertificate } from "../certificate.ts";
import { createVirtualTime } from "../fakes/virtual-time.ts";

let folder: string;
let server: Server;
let port: number;
/** who asked: the name in the client certificate, and the Authorization header */
let visitor: { readonly name: string | undefined; readonly authorization: string | undefined };

const at = (name: string): string => join(folder, name);
const read = (name: string): Promise<string> => readFile(at(name), "utf8");
const POD = { metadata: { name: "x", uid: "u", resourceVersion: "1" } };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-cluster-"));
  for (const name of ["server", "client", "stranger"]) await makeCertificate(folder, name);
  const options = { key: await read("server.key"), cert: await read("server.crt"), ca: await read("client.crt") };
  server = createServer({ ...options, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    const socket = request.socket as TLSSocket;
    const name = socket.authorized ? String(socket.getPeerCertificate().subject.CN) : undefined;
    visitor = { name, authorization: request.headers.authorization };
    response.end(JSON.stringify(POD));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  ({ port } = server.address() as AddressInfo);
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await rm(folder, { recursive: true, force: true });
});

const ask = async (connection: ApiConnection) =>
  createApiClient(connection).get({ resource: PODS, namespace: "n", name: "x" }, new AbortController().signal);

describe("in a pod", () => {
  async function inPod(ca: string) {
    await writeFile(at("ca.crt"), await read(ca));
    await writeFile(at("namespace"), "imgrel-system\n");
    await writeFile(at("token"), "first\n");
    const time = createVirtualTime();
    const env = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(port) };
    return { time, env, connection: await connectInCluster({ env, clock: time.clock(), folder }) };
  }

  it("the service account speaks, with a token that is read anew", async () => {
    const { time, connection } = await inPod("server.crt");
    expect(await ask(connection)).toEqual(POD);
    expect([visitor.authorization, connection.namespace]).toEqual(["Bearer first", "imgrel-system"]);
    await writeFile(at("token"), "second\n");
    await ask(connection);
    expect(visitor.authorization).toBe("Bearer first");
    await time.pass(60_000);
    await ask(connection);
    expect(visitor.authorization).toBe("Bearer second");
  });

  it("only the cluster's own authority is trusted", async () => {
    const { connection } = await inPod("stranger.crt");
    await expect(ask(connection)).rejects.toMatchObject({ code: "ClusterRefused", kind: "permanent" });
  });

  it("a pod without a token is told so, and outside of a pod nothing is assumed", async () => {
    const { time, env } = await inPod("server.crt");
    await rm(at("token"));
    const connecting = connectInCluster({ env, clock: time.clock(), folder });
    await expect(connecting).rejects.toMatchObject({ code: "InputMissing" });
    expect([isInCluster(env), isInCluster({})]).toEqual([true, false]);
  });
});

describe("by a kubeconfig file", () => {
  async function kubeconfig(cluster: object, user: object, context: object = {}): Promise<string> {
    const ca = { "certificate-authority-data": Buffer.from(await read("server.crt")).toString("base64") };
    const document = {
      ...{ apiVersion: "v1", kind: "Config", "current-context": "here" },
      contexts: [{ name: "here", context: { cluster: "c", user: "u", ...context } }],
      clusters: [{ name: "c", cluster: { server: `https://127.0.0.1:${port}`, ...ca, ...cluster } }],
      users: [{ name: "u", user }],
    };
    await writeFile(at("kubeconfig"), stringify(document));
    return at("kubeconfig");
  }

  it("a client certificate speaks", async () => {
    const files = { "client-certificate": "client.crt", "client-key": "client.key" };
    const connection = await connectByKubeconfig(await kubeconfig({}, files, { namespace: "imgrel-system" }));
    expect(await ask(connection)).toEqual(POD);
    expect([visitor, connection.namespace]).toEqual([{ name: "client", authorization: undefined }, "imgrel-system"]);
  });

  it("a token speaks", async () => {
    const connection = await connectByKubeconfig(await kubeconfig({}, { token: "abc" }));
    await ask(connection);
    expect([visitor.authorization, connection.namespace]).toEqual(["Bearer abc", "default"]);
  });

  it("a program gives credentials, each time they are needed", async () => {
    const credential = {
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      status: { token: "made" },
    };
    const { apiVersion } = credential;
    const exec = { apiVersion, command: "echo", args: [JSON.stringify(credential)], interactiveMode: "Never" };
    await ask(await connectByKubeconfig(await kubeconfig({}, { exec })));
    expect(visitor.authorization).toBe("Bearer made");
  });

  it.each([
    ["an unchecked certificate", { "insecure-skip-tls-verify": true }, {}, /insecure-skip-tls-verify/],
    ["plain http", { server: "http://127.0.0.1" }, {}, /not https/],
    ["a proxy", { "proxy-url": "http://127.0.0.1:1" }, {}, /proxy-url/],
    ["a password", {}, { username: "a", password: "b" }, /password/],
  ])("%s is refused", async (_name, cluster, user, why) => {
    const connecting = connectByKubeconfig(await kubeconfig(cluster, user));
    await expect(connecting).rejects.toMatchObject({
      code: "ClusterRefused",
      message: expect.stringMatching(why) as string,
    });
  });

  it("a file that is missing or names no cluster is told", async () => {
    await expect(connectByKubeconfig(at("nothing"))).rejects.toMatchObject({ code: "InputMissing" });
    await expect(connectByKubeconfig(await kubeconfig({}, {}, { cluster: "other" }))).rejects.toMatchObject({
      ...{ code: "ClusterRefused", message: expect.stringContaining("current-context") as string },
    });
  });
});

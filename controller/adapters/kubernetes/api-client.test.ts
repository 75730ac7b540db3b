import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { type FileServer, startFileServer } from "../../../test/fakes/file-server.ts";
import { createApiClient } from "./api-client.ts";
import { LEASES, PODS, type Resource } from "./resource.ts";

const never = new AbortController().signal;
const REF = { resource: PODS, namespace: "build", name: "x" };
const POD = { metadata: { name: "x", namespace: "build", uid: "u", resourceVersion: "7" } };

let server: FileServer | undefined;
afterEach(() => server?.[Symbol.asyncDispose]());

/** Only where nobody answers may it be short: a busy machine is slow. */
const IMPATIENT = { answer: 150, silence: 150 };
const PATIENT = { answer: 10_000, silence: 10_000 };

async function clientOf(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  { path = "", pace = PATIENT } = {},
) {
  server = await startFileServer(handle);
  const calls: string[] = [];
  let nth = 0;
  const connection = {
    ...{ server: new URL(path, server.url), tls: {}, namespace: "build" },
    headers: async () => ({ authorization: `Bearer t${(nth += 1)}` }),
  };
  const onCall = ({ verb, place }: { verb: string; place: { resource: Resource } }) =>
    void calls.push(`${verb} ${place.resource.plural}`);
  return { client: createApiClient(connection, { pace, onCall }), calls, requests: server.requests };
}
const answers = (status: number, value: unknown) => (_request: IncomingMessage, response: ServerResponse) =>
  void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));

describe("the API client", () => {
  it("asks who we are before each request, and tells each call", async () => {
    const seen: (string | undefined)[] = [];
    const { client, calls } = await clientOf((request, response) => {
      seen.push(request.headers.authorization);
      answers(200, POD)(request, response);
    });
    await client.get(REF, never);
    await client.get(REF, never);
    expect(seen).toEqual(["Bearer t1", "Bearer t2"]);
    expect(calls).toEqual(["get pods", "get pods"]);
  });

  it("keeps the path of the server's address, and selects", async () => {
    const list = { metadata: { resourceVersion: "9" }, items: null };
    const { client, requests } = await clientOf(answers(200, list), { path: "clusters/one/" });
    const of = { resource: LEASES, namespace: "n", labelSelector: "a=b,c" };
    expect(await client.list({ ...of, limit: 5 }, never)).toEqual({ items: [], resourceVersion: "9" });
    expect(requests).toEqual([
      "GET /clusters/one/apis/coordination.k8s.io/v1/namespaces/n/leases?labelSelector=a%3Db%2Cc&limit=5",
    ]);
  });

  it("reads the end of a container's log, and knows when the pod is gone", async () => {
    const { client, requests } = await clientOf((_request, response) => void response.end("line 1\nline 2\n"));
    const options = { container: "build", lines: 50, bytes: 4096 };
    expect(await client.podLog(REF, options, never)).toBe("line 1\nline 2\n");
    expect(requests).toEqual(["GET /api/v1/namespaces/build/pods/x/log?container=build&tailLines=50&limitBytes=4096"]);
    await server?.[Symbol.asyncDispose]();
    const { client: other } = await clientOf(answers(404, { reason: "NotFound" }));
    expect(await other.podLog(REF, options, never)).toBeUndefined();
  });

  it.each(["", "..", "a/b"])("refuses the name %j before anything is sent", async (name) => {
    const { client, requests } = await clientOf(answers(200, POD));
    await expect(client.get({ ...REF, name }, never)).rejects.toMatchObject({ code: "Usage" });
    await expect(client.get({ ...REF, namespace: name }, never)).rejects.toMatchObject({ code: "Usage" });
    expect(requests).toEqual([]);
  });

  it("gives up a server that does not answer, or stops in the middle", async () => {
    const { client } = await clientOf(() => undefined, { pace: IMPATIENT });
    await expect(client.get(REF, never)).rejects.toMatchObject({ code: "ClusterUnavailable", kind: "transient" });
    await server?.[Symbol.asyncDispose]();
    const stops = (_request: IncomingMessage, response: ServerResponse) =>
      void response.writeHead(200).write('{"metadata":');
    const half = await clientOf(stops, { pace: IMPATIENT });
    await expect(half.client.get(REF, never)).rejects.toMatchObject({ code: "ClusterUnavailable" });
  });

  it("says that nobody listens", async () => {
    const { client } = await clientOf(() => undefined);
    await server?.[Symbol.asyncDispose]();
    const refused = client.get(REF, never);
    await expect(refused).rejects.toMatchObject({
      ...{ code: "ClusterUnavailable", message: expect.stringMatching(/^get pods build\/x: .*ECONNREFUSED/) as string },
    });
  });

  it("keeps how long the server asks to wait", async () => {
    const { client } = await clientOf(
      (_request, response) => void response.writeHead(429, { "retry-after": "3" }).end("slow down"),
    );
    await expect(client.get(REF, never)).rejects.toMatchObject({ code: "ClusterUnavailable", retryAfter: 3000 });
  });

  it("does not take for an object what is none, and follows no redirect", async () => {
    const { client } = await clientOf((_request, response) => void response.end("<html>"));
    await expect(client.get(REF, never)).rejects.toMatchObject({ code: "ClusterRefused" });
    await server?.[Symbol.asyncDispose]();
    const moved = await clientOf((_request, response) => void response.writeHead(302, { location: "/x" }).end());
    await expect(moved.client.get(REF, never)).rejects.toMatchObject({ code: "ClusterRefused" });
    expect(moved.requests).toHaveLength(1);
  });

  it("ends with the signal's reason", async () => {
    const { client } = await clientOf(() => undefined);
    await expect(client.get(REF, AbortSignal.abort(new Error("stop")))).rejects.toThrow("stop");
  });
});

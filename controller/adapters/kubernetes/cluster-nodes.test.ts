import { expect, it } from "vitest";
import { startKubernetesApi } from "../../../test/fakes/kubernetes-api.ts";
import { createApiClient } from "./api-client.ts";
import { clusterNodes } from "./cluster-nodes.ts";
import { NODES } from "./resource.ts";

const { signal } = new AbortController();

async function given(headers: Readonly<Record<string, string>> = {}) {
  const api = await startKubernetesApi();
  const calls: string[] = [];
  let now = 0;
  const connectAs = (more: Readonly<Record<string, string>>) => ({
    ...{ server: api.url, tls: {}, namespace: "imgrel-system" },
    headers: async () => more,
  });
  const client = createApiClient(connectAs(headers), {
    onCall: ({ verb, place }) => void calls.push(`${verb} ${place.resource.plural}`),
  });
  const admin = createApiClient(connectAs({}));
  const add = (name: string, labels: Record<string, string>, more: object = {}) =>
    admin.create(NODES, { metadata: { name, labels, ...more } }, signal);
  const nodes = clusterNodes(client, { monotonic: () => now });
  return { api, calls, add, nodes, admin, at: (time: number) => (now = time) };
}

it("tells the labels of nodes, those of one that takes no pods too", async () => {
  const { api, add, nodes, admin } = await given();
  await using _ = api;
  await add("a", { arch: "amd64" });
  await add("b", { arch: "arm64" });
  await admin.patch({ resource: NODES, name: "b" }, { spec: { unschedulable: true } }, {}, signal);
  expect(await nodes(signal)).toEqual([{ arch: "amd64" }, { arch: "arm64" }]);
});
it("tells nothing of a node that is being deleted", async () => {
  const { api, add, nodes, admin } = await given();
  await using _ = api;
  await add("a", { arch: "amd64" }, { finalizers: ["example.org/held"] });
  await add("b", {});
  await admin.remove({ resource: NODES, name: "a" }, {}, signal);
  expect(await nodes(signal)).toEqual([{}]);
});
it("asks once in ten seconds, whoever wants to know", async () => {
  const { api, add, nodes, calls, at } = await given();
  await using _ = api;
  await add("a", {});
  await Promise.all(Array.from({ length: 100 }, () => nodes(signal)));
  at(9_999);
  await nodes(signal);
  expect(calls).toEqual(["list nodes"]);
  await add("b", {});
  at(10_000);
  expect(await nodes(signal)).toHaveLength(2);
});
it("reads all pages of many nodes", async () => {
  const { api, add, nodes, calls } = await given();
  await using _ = api;
  for (let index = 0; index < 501; index += 1) await add(`n${index}`, {});
  expect(await nodes(signal)).toHaveLength(501);
  expect(calls).toEqual(["list nodes", "list nodes"]);
});
it("names the right that is missing, and where it comes from", async () => {
  const { api, nodes } = await given({ "impersonate-user": "nobody" });
  await using _ = api;
  await expect(nodes(signal)).rejects.toMatchObject({
    code: "Unauthorized",
    remedy: 'grant apiGroups [""], resources [nodes], verbs [list] in a ClusterRole, or apply deploy/ again',
  });
});

import { expect, it } from "vitest";
import { sourceObject } from "../../../test/fakes/cluster-objects.ts";
import { startKubernetesApi } from "../../../test/fakes/kubernetes-api.ts";
import { isNewsOfSource } from "../../domain/changed-keys.ts";
import { readClusterSource } from "../../domain/cluster-objects.ts";
import { createApiClient } from "./api-client.ts";
import { requestReconcile } from "./reconcile-request.ts";
import { SOURCES } from "./release-kinds.ts";

it("a request is news of the source to whoever watches it, and changes nothing else of it", async () => {
  await using api = await startKubernetesApi();
  const namespace = "imgrel-system";
  const client = createApiClient({ server: api.url, tls: {}, headers: async () => ({}), namespace });
  const { signal } = new AbortController();
  const before = readClusterSource(await client.create(SOURCES, sourceObject("releases", namespace), signal));
  await requestReconcile(client, before, new Date("2026-11-26T00:00:00.001Z"), signal);
  const after = readClusterSource(await client.get({ resource: SOURCES, namespace, name: "releases" }, signal));
  expect(after).toEqual({ ...before, reconcileAt: "2026-11-26T00:00:00.001Z" });
  expect(isNewsOfSource({ before, after })).toBe(true);
});

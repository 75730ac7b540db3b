import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createApiClient } from "../../controller/adapters/kubernetes/api-client.ts";
import { SECRETS } from "../../controller/adapters/kubernetes/object-data.ts";
import { CLASSES, RELEASES, SOURCES } from "../../controller/adapters/kubernetes/release-kinds.ts";
import { createPrometheusMetrics } from "../../controller/adapters/prometheus-metrics.ts";
import { runClusterController } from "../../controller/cluster-wiring.ts";
import { releaseDigest } from "../../controller/domain/release-folder.ts";
import { entryOf } from "../contracts/record-repository-contract.ts";
import { classObject, demoFolder, sourceObject } from "../fakes/cluster-objects.ts";
import { startFileServer } from "../fakes/file-server.ts";
import { gitAnswer, sendAnswer } from "../fakes/git-http.ts";
import { startKubernetesApi } from "../fakes/kubernetes-api.ts";
import { recordedLogger } from "../fakes/recorded-logger.ts";
import { fakeReleaseWork } from "../fakes/release-work.ts";
import { openOwn } from "../repositories.ts";
import { eventually } from "../system/cluster/eventually.ts";

const NAMESPACE = "imgrel-system";
const ACCOUNT = { user: "bot", password: "s3cret-of-git" };
const LIMIT = { seconds: 60 };

it("a controller counts what it does, and names no release in any label", async () => {
  const folder = await mkdtemp(join(tmpdir(), "imgrel-cluster-metrics-"));
  await using api = await startKubernetesApi();
  await using git = await startFileServer((request, response) => {
    gitAnswer(join(folder, "git"), request, ACCOUNT).then(
      (answer) => sendAnswer(response, answer),
      () => response.writeHead(500).end(),
    );
  });
  const { specs } = await openOwn(join(folder, "git/releases.git"));
  const changes = [{ path: "specs/demo/release.yaml", content: demoFolder().text }];
  await specs.commit(async () => ({ changes, message: "merge demo" }));
  const connection = { server: api.url, tls: {}, headers: async () => ({}), namespace: NAMESPACE };
  const client = createApiClient(connection);
  const stop = new AbortController();
  const url = new URL("releases.git", git.url).href;
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const data = { username: base64(ACCOUNT.user), password: base64(ACCOUNT.password) };
  await client.create(SECRETS, { metadata: { namespace: NAMESPACE, name: "git" }, data }, stop.signal);
  const network = { allowPrivate: true, allowHTTP: true };
  await client.create(CLASSES, classObject("local", NAMESPACE), stop.signal);
  await client.create(
    SOURCES,
    sourceObject("releases", NAMESPACE, { url, network, credentialsRef: { name: "git" } }),
    stop.signal,
  );

  const metrics = createPrometheusMetrics();
  const { log } = recordedLogger();
  const ended = runClusterController(
    {
      ...{ connection, log, metrics, scratch: join(folder, "scratch") },
      opener: ({ repositories }) => ({
        treeAt: async (from, commit, signal) => (await repositories.open(from, signal)).specsAt(commit),
        record: async () => ({ kind: "absent" }),
        nodes: async () => [{ "kubernetes.io/arch": "amd64" }],
        work: async ({ from, folder: content }, _conditions, signal) =>
          fakeReleaseWork(releaseDigest(content), async ({ kind }) => {
            if (kind !== "record") return;
            const { records } = await repositories.open(from, signal);
            await records.commit(entryOf("demo", "release", { "status.yaml": "released\n" }));
          }).work,
        suspend: async () => 0,
        cleanUp: async () => undefined,
        sweep: async () => [],
        letGo: async () => undefined,
      }),
    },
    stop.signal,
  );
  try {
    const ref = { resource: RELEASES, namespace: NAMESPACE, name: "demo" };
    await eventually("demo is released", LIMIT, async () => {
      const found = await client.get(ref, stop.signal);
      return (found?.["status"] as { readonly phase?: string } | undefined)?.phase === "Released";
    });
    const { text } = await metrics.expose();
    for (const line of [
      'imgrel_releases{phase="Released"} 1',
      'imgrel_step_duration_seconds_count{step="Built",variant="",arch="amd64"} 2',
      'imgrel_step_duration_seconds_count{step="Recorded",variant="",arch=""} 1',
      'imgrel_build_attempts_total{variant="",arch="amd64",result="success"} 2',
      'imgrel_reproducible_total{result="Reproduced",variant="",arch="amd64"} 1',
      'imgrel_sign_total{mode="key",result="success"} 4',
      'imgrel_publish_total{backend="oci",result="success"} 1',
      'imgrel_git_push_total{result="pushed"} 1',
      "imgrel_git_push_attempts_sum 1",
      "imgrel_leader 1",
    ]) {
      expect(text).toContain(`\n${line}\n`);
    }
    expect(text).not.toContain("demo");
  } finally {
    stop.abort();
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
});

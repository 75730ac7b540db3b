import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exec, type Outcome } from "../../builders/host/exec.ts";
import { refTip } from "../../controller/adapters/git/bare-repository.ts";
import { gitOn } from "../../controller/adapters/git/git.ts";
import { openRepositoryAt } from "../../controller/adapters/git/repository-at.ts";
import { type ApiClient, createApiClient } from "../../controller/adapters/kubernetes/api-client.ts";
import { RELEASES, SOURCES } from "../../controller/adapters/kubernetes/release-kinds.ts";
import type { FileChange } from "../../controller/domain/spec-files.ts";
import { classObject, sourceObject } from "../fakes/cluster-objects.ts";
import { startFileServer } from "../fakes/file-server.ts";
import { gitAnswer, sendAnswer } from "../fakes/git-http.ts";
import { plainManifests } from "../deploy-manifests.ts";
import { IMGREL_ENV, imgrel, PROJECT } from "../imgrel.ts";
import { type Cluster, kubectl, printed } from "../system/cluster/cluster.ts";
import { takeDown } from "../system/cluster/down.ts";
import { bringUp } from "../system/cluster/up.ts";
import { tokenConnection } from "./cluster-access.ts";
import type { Figures } from "./cluster-figures.ts";
import { SIGNAL } from "./demo.ts";

export const NAMESPACE = "imgrel-system";
/** Where the bare loop writes: nobody follows it. */
export const BARE_NAMESPACE = "bare";
const ACCOUNT = { user: "bot", password: "bench" };
const SOURCE = "releases";
const RECORDS = "release-records";

/** A cluster with the kinds, a class and a source whose repository is served over http. */
export type Room = AsyncDisposable & {
  readonly cluster: Cluster;
  readonly client: ApiClient;
  /** where Jobs are made */
  readonly buildNamespace: string;
  /** of everything that the bench makes */
  readonly folder: string;
  /** commits to the branch of specs, and has the source looked at */
  readonly merge: (changes: readonly FileChange[]) => Promise<void>;
  /** commits of the records, the first one first */
  readonly records: () => Promise<readonly string[]>;
  /** where records are, and an empty repository behind the same server */
  readonly git: { readonly directory: string; readonly bare: URL; readonly account: typeof ACCOUNT };
  /** has nobody look at the repository any more */
  readonly suspend: () => Promise<void>;
};

const AUTHOR = { author: { name: "bench", email: "bench@example.org" } };

/** @param name of its test cluster */
export async function openRoom(name: string, releasesAtOnce: number): Promise<Room> {
  await takeDown(name, SIGNAL);
  const cluster = await bringUp(name, { say: () => undefined, signal: SIGNAL });
  const folder = await mkdtemp(join(tmpdir(), "imgrel-bench-"));
  const run = async (args: readonly string[], input?: object) =>
    printed(await kubectl(cluster, args, input === undefined ? undefined : JSON.stringify(input)));
  for (const namespace of [NAMESPACE, BARE_NAMESPACE]) await run(["create", "namespace", namespace]);
  printed(await kubectl(cluster, ["apply", "--server-side", "-f", "-"], printed(await imgrel("crds"))));
  await run(["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"]);
  const directory = join(folder, "git/releases.git");
  const { specs } = await openRepositoryAt(
    { kind: "own", directory },
    { specBranch: "main", recordsBranch: RECORDS, committer: AUTHOR },
  );
  const own = gitOn(directory);
  await gitOn(null).run(["init", "--bare", "--quiet", join(folder, "git/bare.git")]);
  const server = await startFileServer((request, response) => {
    gitAnswer(join(folder, "git"), request, ACCOUNT).then(
      (answer) => sendAnswer(response, answer),
      () => response.writeHead(500).end(),
    );
  });
  const url = new URL("releases.git", server.url).href;
  const literals = [`--from-literal=username=${ACCOUNT.user}`, `--from-literal=password=${ACCOUNT.password}`];
  await run(["--namespace", NAMESPACE, "create", "secret", "generic", "git", ...literals]);
  const { build } = classObject("local", NAMESPACE).spec;
  await run(["create", "namespace", build.namespace]);
  await run(["--namespace", build.namespace, "create", "serviceaccount", build.serviceAccountName]);
  const quotas = { maxConcurrentReleases: releasesAtOnce, maxConcurrentBuilds: 4 * releasesAtOnce };
  await run(
    ["apply", "--server-side", "-f", "-"],
    classObject("local", NAMESPACE, {
      ...{ quotas, gate: { boot: "Report" } },
      archives: { debian: { sources: [{ kind: "mirror", url: "https://mirror.example/debian" }], keyring: "k.gpg" } },
      // no node is like that: what pods do is played (fake-kubelet.ts)
      build: { ...build, nodeSelector: { bench: "none" } },
    }),
  );
  await specs.commit(async () => ({ changes: [{ path: "README", content: "specs\n" }], message: "begin" }));
  await run(
    ["apply", "--server-side", "-f", "-"],
    sourceObject(SOURCE, NAMESPACE, {
      ...{ url, interval: "1m", credentialsRef: { name: "git" }, network: { allowPrivate: true, allowHTTP: true } },
    }),
  );
  const client = createApiClient(tokenConnection(await readFile(cluster.kubeconfig, "utf8"), NAMESPACE));
  let merges = 0;
  return {
    ...{ cluster, client, folder, buildNamespace: build.namespace },
    git: { directory, bare: new URL("bare.git", server.url), account: ACCOUNT },
    records: async () => {
      const tip = await refTip(own, `refs/heads/${RECORDS}`);
      return tip === null ? [] : (await own.run(["rev-list", "--reverse", tip])).trim().split("\n");
    },
    merge: async (changes) => {
      await specs.commit(async () => ({ changes, message: "merge" }));
      merges += 1;
      const annotations = { "releases.powernode.io/reconcileAt": `${merges}` };
      await client.patch(
        { resource: SOURCES, namespace: NAMESPACE, name: SOURCE },
        { metadata: { annotations } },
        {},
        SIGNAL,
      );
    },
    suspend: async () => {
      const ref = { resource: SOURCES, namespace: NAMESPACE, name: SOURCE };
      await client.patch(ref, { spec: { suspend: true } }, {}, SIGNAL);
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await takeDown(name, SIGNAL);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A controller that runs in a process of its own. */
export type RunningController = {
  /** where it answers the bench */
  readonly url: string;
  readonly figures: () => Promise<Figures>;
  /** stops it in order */
  readonly stop: () => Promise<Outcome>;
};

/** What the Deployment tells node and malloc about memory, so that it is measured as it is deployed. */
async function deployedMemory(): Promise<Readonly<Record<string, string>>> {
  const file = "deploy/base/controller.yaml";
  const deployment = plainManifests(await readFile(join(PROJECT, file), "utf8"), file).find(
    ({ kind }) => kind === "Deployment",
  );
  const variables = JSON.stringify(deployment).matchAll(/"name":"(NODE_OPTIONS|MALLOC_\w+)","value":"([^"]+)"/g);
  const found = Object.fromEntries([...variables].map(([, name = "", value = ""]) => [name, value]));
  if (found["NODE_OPTIONS"] === undefined) throw new Error(`${file} gives no NODE_OPTIONS`);
  return found;
}

/** @param builds where its builds are, in its memory or in Jobs */
export async function startController(
  { cluster, folder }: Room,
  builds: "memory" | "jobs",
): Promise<RunningController> {
  const scratch = await mkdtemp(join(folder, "scratch-"));
  const env = { ...IMGREL_ENV, ...(await deployedMemory()), NODE_COMPILE_CACHE: join(folder, "compiled") };
  const controller = { program: process.execPath, cwd: PROJECT, env };
  const main = "test/bench/cluster-controller.ts";
  const compiled = await exec({ ...controller, args: [main] });
  if (compiled.exitCode !== 0) throw new Error(`the controller does not start: ${compiled.tail}`);
  const address = Promise.withResolvers<string>();
  const lines: string[] = [];
  const ended = exec({
    ...controller,
    args: [main, cluster.kubeconfig, NAMESPACE, scratch, builds],
    onLine: (line, stream) => {
      if (stream === "stdout") address.resolve(line);
      else {
        lines.push(line);
        if (lines.length > 20) lines.shift();
      }
    },
  });
  const failed = ended.then(({ tail }) => {
    throw new Error(`the controller has ended: ${tail}`);
  });
  const url = await Promise.race([address.promise, failed]);
  failed.catch(() => undefined);
  const figures = async (): Promise<Figures> => {
    const answer = await fetch(url);
    return (await answer.json()) as Figures;
  };
  return {
    ...{ url, figures },
    stop: async () => {
      process.kill((await figures()).pid, "SIGTERM");
      const outcome = await ended;
      for (const line of lines) console.log(`  the controller said: ${line.slice(0, 300)}`);
      return outcome;
    },
  };
}

/** Why a release has failed: then there is nothing to measure. */
async function firstFailure(client: ApiClient): Promise<string> {
  const { items } = await client.list({ resource: RELEASES, namespace: NAMESPACE, limit: 5000 }, SIGNAL);
  const statuses = items.map((one) => (one["status"] ?? {}) as { readonly failure?: object });
  return `a release has failed: ${JSON.stringify(statuses.find(({ failure }) => failure !== undefined)?.failure)}`;
}

/** Asks until the figures are as wanted; says so if that takes long. */
export async function figuresOnce(
  room: Room,
  controller: RunningController,
  isWanted: (figures: Figures) => boolean,
  minutes = 60,
): Promise<Figures> {
  for (const until = Date.now() + minutes * 60_000; Date.now() < until; ) {
    const figures = await controller.figures();
    if ((figures.phases["Failed"] ?? 0) > 0) throw new Error(await firstFailure(room.client));
    if (isWanted(figures)) return figures;
    await sleep(1000); // each answer is work of the process that is measured
  }
  throw new Error(`after ${minutes} minutes: ${JSON.stringify(await controller.figures())}`);
}

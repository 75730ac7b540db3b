import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRepositoryAt } from "../../controller/adapters/git/repository-at.ts";
import { createPrometheusMetrics } from "../../controller/adapters/prometheus-metrics.ts";
import { connectCluster, runClusterController } from "../../controller/cluster-wiring.ts";
import { releaseDigest } from "../../controller/domain/release-folder.ts";
import type { ObservedRecord } from "../../controller/domain/observed.ts";
import type { ReleaseOpener } from "../../controller/reconciler/cluster/reconcile-release.ts";
import { classObject, demoFolder, sourceObject } from "../fakes/cluster-objects.ts";
import { startFileServer, type FileServer } from "../fakes/file-server.ts";
import { gitAnswer, sendAnswer } from "../fakes/git-http.ts";
import { recordedLogger } from "../fakes/recorded-logger.ts";
import { fakeReleaseWork } from "../fakes/release-work.ts";
import { imgrel } from "../imgrel.ts";
import { type Cluster, kubectl, printed } from "./cluster/cluster.ts";
import { takeDown } from "./cluster/down.ts";
import { bringUp } from "./cluster/up.ts";

// The controller against a real API server and a real git server over http; what a release needs besides is simulated.
const NAME = "controller";
const NAMESPACE = "imgrel-system";
const ADMITTED = 'jsonpath={.status.conditions[?(@.type=="Admitted")].reason}';
const QUOTA = 3;
const LEADS = "this process leads";
const ACCOUNT = { user: "bot", password: "s3cret-of-git" };
const { signal } = new AbortController();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
let cluster: Cluster;
let folder = "";
let server: FileServer;

const run = async (args: readonly string[], input?: string): Promise<string> =>
  printed(await kubectl(cluster, ["--namespace", NAMESPACE, ...args], input)).trimEnd();
const apply = (object: object) => run(["apply", "--server-side", "-f", "-"], JSON.stringify(object));

/** Releases whose work is simulated: what was done of each stays, as it would in registry and git. */
function simulation() {
  const done = new Map<string, Set<string>>();
  const started: string[] = [];
  /** names of the releases that were begun and are not recorded, and how many there ever were at once */
  const active = new Set<string>();
  let most = 0;
  const opener: ReleaseOpener = {
    treeAt: async () => null,
    record: async ({ release }): Promise<ObservedRecord> => {
      const folderOf = demoFolder(release.name);
      const commit = release.spec.source?.commit ?? "";
      return done.get(release.name)?.has("record") === true
        ? { kind: "recorded", specDigest: releaseDigest(folderOf), version: "1", commit }
        : { kind: "absent" };
    },
    work: async ({ release, folder: content }) => {
      const known = done.get(release.name) ?? new Set<string>();
      done.set(release.name, known);
      return fakeReleaseWork(
        releaseDigest(content),
        async ({ kind }) => {
          started.push(`${release.name} ${kind}`);
          active.add(release.name);
          most = Math.max(most, active.size);
          if (kind === "build") await sleep(50);
          if (kind === "record") active.delete(release.name);
        },
        known,
      ).work;
    },
    cleanUp: async () => undefined,
    letGo: async () => undefined,
  };
  return { opener, started, done, most: () => most };
}

/** A controller of its own; `stop` ends it in order. */
async function startController(simulated: ReturnType<typeof simulation>) {
  const stop = new AbortController();
  const { log, records } = recordedLogger();
  const connection = { ...(await connectCluster({}, cluster.kubeconfig)), namespace: NAMESPACE };
  const ended = runClusterController(
    {
      ...{ connection, log, metrics: createPrometheusMetrics() },
      scratch: await mkdtemp(join(folder, "scratch-")),
      opener: ({ repositories }) => ({
        ...simulated.opener,
        treeAt: async (from, commit, limit) => (await repositories.open(from, limit)).specsAt(commit),
      }),
    },
    stop.signal,
  );
  return {
    records,
    stop: async () => {
      stop.abort(new Error("the test ends it"));
      await ended;
    },
  };
}

async function specs() {
  return (
    await openRepositoryAt(
      { kind: "own", directory: join(folder, "git/releases.git") },
      { specBranch: "main", recordsBranch: "release-records", committer: { author: { name: "a", email: "a@b" } } },
    )
  ).specs;
}
const mergeAll = async (contents: ReadonlyMap<string, string | null>) =>
  (await specs()).commit(async () => ({
    changes: [...contents].map(([name, content]) => ({ path: `specs/${name}/release.yaml`, content })),
    message: `merge ${[...contents.keys()].join(", ")}`,
  }));
const merge = (name: string, content: string | null = demoFolder(name).text) => mergeAll(new Map([[name, content]]));

/** Asks until what kubectl prints is as it should be. */
async function eventually(args: readonly string[], wanted: RegExp): Promise<string> {
  let last = "";
  for (let tries = 0; tries < 120; tries += 1) {
    const { stdout, tail } = await kubectl(cluster, ["--namespace", NAMESPACE, ...args]);
    if (wanted.test(stdout)) return stdout;
    last = stdout === "" ? tail : stdout;
    await sleep(500);
  }
  throw new Error(`kubectl ${args.join(" ")}: ${last}`);
}

beforeAll(async () => {
  await takeDown(NAME, signal);
  cluster = await bringUp(NAME, { say, signal });
  folder = await mkdtemp(join(tmpdir(), "imgrel-controller-"));
  await kubectl(cluster, ["create", "namespace", NAMESPACE]);
  await run(["apply", "--server-side", "-f", "-"], printed(await imgrel("crds")));
  await run(["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"]);
  server = await startFileServer((request, response) => {
    gitAnswer(join(folder, "git"), request, ACCOUNT).then(
      (answer) => sendAnswer(response, answer),
      () => response.writeHead(500).end(),
    );
  });
  await merge("demo");
  const url = new URL("releases.git", server.url).href;
  await run([
    "create",
    "secret",
    "generic",
    "git",
    `--from-literal=username=${ACCOUNT.user}`,
    `--from-literal=password=${ACCOUNT.password}`,
  ]);
  await apply(classObject("local", NAMESPACE, { quotas: { maxConcurrentReleases: QUOTA } }));
  await apply(
    sourceObject("releases", NAMESPACE, {
      ...{ url, interval: "2s", credentialsRef: { name: "git" }, network: { allowPrivate: true, allowHTTP: true } },
    }),
  );
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await takeDown(NAME, signal);
  await rm(folder, { recursive: true, force: true });
});

describe("a controller in a cluster", () => {
  it("makes an object of what is merged, and brings it to its end", async () => {
    const simulated = simulation();
    const controller = await startController(simulated);
    try {
      await eventually(["get", "diskimagereleases", "demo"], /demo/);
      await run(["wait", "--for=condition=Ready", "--timeout=60s", "diskimagerelease/demo"]);
      const table = await run(["get", "diskimagereleases"]);
      expect(table.split("\n")[0]?.split(/\s+/)).toEqual([
        "NAME",
        "VERSION",
        "READY",
        "PHASE",
        "TARGETS",
        "REPRO",
        "PUBLISHED",
        "AGE",
      ]);
      expect(table).toMatch(/^demo +2026\.11\.23-1 +True +Released +1\/1 +True +True /m);
      const events = await eventually(["get", "events.events.k8s.io", "-o", "jsonpath={.items[*].reason}"], /Pushed/);
      expect(events.split(" ")).toEqual(expect.arrayContaining(["Accepted", "AllEqual", "Succeeded"]));
      expect(
        await run(["get", "diskimagereleasesource", "releases", "-o", "jsonpath={.status.conditions[0].reason}"]),
      ).toBe("Succeeded");
      const once = [...simulated.started];
      await merge("second");
      await run(["wait", "--for=create", "--timeout=60s", "diskimagerelease/second"]);
      await run(["wait", "--for=condition=Ready", "--timeout=60s", "diskimagerelease/second"]);
      expect(simulated.started.filter((one) => one.startsWith("demo "))).toEqual(once);
    } finally {
      await controller.stop();
    }
    expect(JSON.stringify(controller.records)).not.toMatch(ACCOUNT.password);
  });

  it("tells what is wrong with a folder, labels one that is gone, and refuses what was made by hand", async () => {
    const controller = await startController(simulation());
    try {
      await merge("broken", "apiVersion: no\n");
      await merge("second", null);
      await eventually(
        ["get", "diskimagereleasesource", "releases", "-o", "jsonpath={.status.errors[*].path}"],
        /specs\/broken\/release.yaml/,
      );
      await eventually(
        ["get", "diskimagereleases", "-l", "releases.powernode.io/orphaned=true", "-o", "name"],
        /second/,
      );
      const object = JSON.parse(await run(["get", "diskimagerelease", "demo", "-o", "json"])) as Record<string, object>;
      const byHand = (name: string, labels: object) =>
        run(["create", "-f", "-"], JSON.stringify({ ...object, metadata: { name, labels } }));
      await byHand("by-hand", {});
      await byHand("in-disguise", { "releases.powernode.io/source": "releases" });
      for (const name of ["by-hand", "in-disguise"]) {
        await run(["wait", "--for=condition=Stalled", "--timeout=60s", `diskimagerelease/${name}`]);
        expect(await run(["get", "diskimagerelease", name, "-o", ADMITTED])).toBe("NotFromGit");
      }
    } finally {
      await controller.stop();
    }
  });

  it("that is set up anew adopts what is recorded: it does nothing", async () => {
    const simulated = simulation();
    for (const name of ["demo", "second"]) simulated.done.set(name, new Set(["record"]));
    await run(["delete", "diskimagereleases", "--all"]);
    const controller = await startController(simulated);
    try {
      await run(["wait", "--for=create", "--timeout=60s", "diskimagerelease/demo"]);
      await run(["wait", "--for=condition=Ready", "--timeout=60s", "diskimagerelease/demo"]);
      expect(await run(["get", "diskimagerelease", "demo", "-o", ADMITTED])).toBe("Adopted");
      expect(simulated.started).toEqual([]);
    } finally {
      await controller.stop();
    }
  });

  it("of two, one works; when it stops, the other goes on", async () => {
    const simulated = simulation();
    const both = [await startController(simulated), await startController(simulated)];
    const leads = ({ records }: (typeof both)[number]) => records.find(({ message }) => message === LEADS);
    await eventually(["get", "lease", "imgrel-controller", "-o", "jsonpath={.spec.holderIdentity}"], /./);
    while (both.every((one) => leads(one) === undefined)) await sleep(100);
    const [leader, other] = both.toSorted((one) => (leads(one) === undefined ? 1 : -1));
    if (leader === undefined || other === undefined) throw new Error("two were started");
    try {
      expect(leads(other)).toBeUndefined();
      await leader.stop();
      await merge("third");
      await run(["wait", "--for=create", "--timeout=60s", "diskimagerelease/third"]);
      await run(["wait", "--for=condition=Ready", "--timeout=60s", "diskimagerelease/third"]);
      expect(Number(leads(other)?.["fence"])).toBeGreaterThan(Number(leads(leader)?.["fence"]));
    } finally {
      await other.stop();
    }
    expect(simulated.started.filter((one) => one === "third record")).toHaveLength(1);
  });

  it("honours the class's quotas, in order, when a hundred specs are merged at once", async () => {
    const simulated = simulation();
    const names = Array.from({ length: 100 }, (_, index) => `many-${String(index).padStart(3, "0")}`);
    await mergeAll(new Map(names.map((name) => [name, demoFolder(name).text])));
    const controller = await startController(simulated);
    try {
      await run(["wait", "--for=create", "--timeout=120s", `diskimagerelease/${names.at(-1)}`]);
      const all = names.map((name) => `diskimagerelease/${name}`);
      await run(["wait", "--for=condition=Ready", "--timeout=240s", ...all]);
    } finally {
      await controller.stop();
    }
    const order = simulated.started.flatMap((one) => /^(many-\d+) archive-inputs$/.exec(one)?.[1] ?? []);
    // turns are given in order; the first acts of those that have one may cross
    const moved = names.map((name, index) => Math.abs(order.indexOf(name) - index));
    expect([order.length, Math.max(...moved) < QUOTA]).toEqual([names.length, true]);
    expect(simulated.most()).toBe(QUOTA);
  });
});

import { readFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRepositoryAt } from "../../controller/adapters/git/repository-at.ts";
import {
  type ClusterRelease,
  type ClusterSource,
  readClusterRelease,
  readClusterSource,
} from "../../controller/domain/cluster-objects.ts";
import { classObject, demoFolder, sourceObject } from "../fakes/cluster-objects.ts";
import { startFileServer } from "../fakes/file-server.ts";
import { gitAnswer, sendAnswer } from "../fakes/git-http.ts";
import { imgrel } from "../imgrel.ts";
import { pathOf } from "./api-server.ts";
import { ask } from "./cluster/api.ts";
import { type Cluster, kubectl, printed } from "./cluster/cluster.ts";
import { accessFrom } from "./cluster/credentials.ts";
import { takeDown } from "./cluster/down.ts";
import { eventually } from "./cluster/eventually.ts";
import { bringUp } from "./cluster/up.ts";

/** Account of the git server. */
export const GIT_ACCOUNT = { user: "bot", password: "s3cret-of-git" };

/** Seconds. Only what hangs takes so long: what is waited for comes within seconds on a machine of its own. */
const HANGS = 900;

/** A namespace with a class and a source, whose git repository is its own: nothing else in the cluster matters to it. */
export type ControllerRoom = {
  readonly namespace: string;
  /** absolute path of a folder of its own */
  readonly folder: string;
  /** absolute path of the git repository that the source follows */
  readonly repository: string;
  /** applies namespace, Secret, class and source, as when the room was opened */
  readonly apply: () => Promise<void>;
  /** what kubectl prints; `input` is its standard input */
  readonly run: (args: readonly string[], input?: string) => Promise<string>;
  /** commits specs to the source's branch, in one commit: by name; null takes one away */
  readonly merge: (contents: ReadonlyMap<string, string | null>) => Promise<void>;
  /** all releases, as the API server has them; undefined while it does not answer */
  readonly releases: () => Promise<readonly ClusterRelease[] | undefined>;
  readonly source: () => Promise<ClusterSource | undefined>;
  /** reasons of all events so far */
  readonly events: () => Promise<readonly string[]>;
  /** path of a new log, whose last lines are told if what is waited for does not come */
  readonly newLog: () => string;
  /** waits until `find` gives something other than false or undefined */
  readonly until: <T>(what: string, find: () => Promise<T | false | undefined>) => Promise<T>;
  /** waits until these releases are all as they should be */
  readonly untilAll: (
    names: readonly string[],
    what: string,
    holds: (release: ClusterRelease) => boolean,
  ) => Promise<void>;
};

/** A cluster that knows our kinds, and a git server over http. */
export type ControllerStage = AsyncDisposable & {
  readonly cluster: Cluster;
  /** `over` replaces parts of the class's spec */
  readonly room: (namespace: string, over?: object) => Promise<ControllerRoom>;
};

/** Specs as they are merged most of the time. */
export const specsOf = (...names: readonly string[]): ReadonlyMap<string, string> =>
  new Map(names.map((name) => [name, demoFolder(name).text]));

/** The reason of a release's condition; undefined: it has none of this type. */
export const reasonOf = ({ status }: ClusterRelease, type: string): string | undefined =>
  status.conditions?.find((one) => one.type === type)?.reason;

export const isReady = ({ status }: ClusterRelease): boolean =>
  status.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;

/** The fencing number with which the controller of this log began to lead; undefined: it did not. */
export async function fenceIn(log: string): Promise<number | undefined> {
  const text = await readFile(log, "utf8").catch(() => ""); // nothing was logged yet
  const lines = text.split("\n").filter((line) => line.includes("this process leads") && line.endsWith("}"));
  return lines.map((line) => (JSON.parse(line) as { fence?: number }).fence).find((fence) => fence !== undefined);
}

/** Brings up the cluster of this name, one that is left of an earlier run never, and what a controller needs beside it. */
export async function openStage(name: string): Promise<ControllerStage> {
  const { signal } = new AbortController();
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  await takeDown(name, signal);
  const folder = await mkdtemp(join(tmpdir(), `imgrel-${name}-`));
  const cluster = await bringUp(name, { say, signal });
  const access = accessFrom(await readFile(cluster.kubeconfig, "utf8"));
  const server = await startFileServer((request, response) => {
    gitAnswer(join(folder, "git"), request, GIT_ACCOUNT).then(
      (answer) => sendAnswer(response, answer),
      () => response.writeHead(500).end(),
    );
  });
  printed(await kubectl(cluster, ["apply", "--server-side", "-f", "-"], printed(await imgrel("crds"))));
  printed(await kubectl(cluster, ["wait", "--for=condition=Established", `--timeout=${HANGS}s`, "crd", "--all"]));

  const object = async (path: string): Promise<unknown> => {
    const answer = await ask(access, path);
    return answer?.status === 200 ? JSON.parse(answer.body) : undefined;
  };

  async function room(namespace: string, over: object = {}): Promise<ControllerRoom> {
    const run = async (args: readonly string[], input?: string): Promise<string> =>
      printed(await kubectl(cluster, ["--namespace", namespace, ...args], input)).trimEnd();
    const directory = join(folder, "git", `${namespace}.git`);
    const repository = await openRepositoryAt(
      { kind: "own", directory },
      { specBranch: "main", recordsBranch: "release-records", committer: { author: { name: "a", email: "a@b" } } },
    );
    const merge = async (contents: ReadonlyMap<string, string | null>): Promise<void> => {
      await repository.specs.commit(async () => ({
        changes: [...contents].map(([spec, content]) => ({ path: `specs/${spec}/release.yaml`, content })),
        message: `merge ${[...contents.keys()].join(", ")}`,
      }));
    };
    const objects = [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
      {
        ...{ apiVersion: "v1", kind: "Secret", metadata: { name: "git", namespace } },
        stringData: { username: GIT_ACCOUNT.user, password: GIT_ACCOUNT.password },
      },
      classObject("local", namespace, over),
      sourceObject("releases", namespace, {
        ...{ url: new URL(`${namespace}.git`, server.url).href, interval: "2s", credentialsRef: { name: "git" } },
        network: { allowPrivate: true, allowHTTP: true },
      }),
    ];
    const apply = async (): Promise<void> => {
      for (const one of objects) await run(["apply", "--server-side", "-f", "-"], JSON.stringify(one));
    };
    await merge(specsOf("first"));
    await apply();
    const logs: string[] = [];
    const own = await mkdtemp(join(folder, `${namespace}-`));
    const releases: ControllerRoom["releases"] = async () => {
      const list = (await object(pathOf("DiskImageRelease", namespace))) as { items: unknown[] } | undefined;
      return list?.items.map(readClusterRelease);
    };
    const until: ControllerRoom["until"] = (what, find) => {
      const log = logs.at(-1);
      return eventually(`${namespace}: ${what}`, { seconds: HANGS, ...(log === undefined ? {} : { log }) }, find);
    };
    return {
      ...{ namespace, folder: own, repository: directory, apply, run, merge, releases, until },
      source: async () => {
        const found = await object(pathOf("DiskImageReleaseSource", namespace, "releases"));
        return found === undefined ? undefined : readClusterSource(found);
      },
      events: async () => {
        const list = await object(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
        return (list as { items: { reason: string }[] } | undefined)?.items.map(({ reason }) => reason) ?? [];
      },
      newLog: () => {
        const log = join(own, `controller-${logs.length}.log`);
        logs.push(log);
        return log;
      },
      untilAll: async (names, what, holds) => {
        await until(`${names.length === 1 ? names[0] : `${names.length} releases`}: ${what}`, async () => {
          const found = new Map((await releases())?.map((one) => [one.name, one]));
          return names.every((one) => {
            const release = found.get(one);
            return release !== undefined && holds(release);
          });
        });
      },
    };
  }

  return {
    cluster,
    room,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await takeDown(name, signal);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

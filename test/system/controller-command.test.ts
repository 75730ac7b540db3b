import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRepositoryAt } from "../../controller/adapters/git/repository-at.ts";
import { type ControllerProcess, startController } from "../controller-process.ts";
import { classObject, demoFolder, sourceObject } from "../fakes/cluster-objects.ts";
import { type FileServer, startFileServer } from "../fakes/file-server.ts";
import { gitAnswer, sendAnswer } from "../fakes/git-http.ts";
import { imgrel } from "../imgrel.ts";
import { type Cluster, kubectl, printed } from "./cluster/cluster.ts";
import { takeDown } from "./cluster/down.ts";
import { bringUp } from "./cluster/up.ts";

// `imgrel controller` as a process, with all that it is made of, against a real API server and a git server over http.
const NAME = "controller-command";
const NAMESPACE = "imgrel-system";
const IMAGE = `registry.example/imgrel/controller@sha256:${"a".repeat(64)}`;
const HMAC_KEY = "key-of-the-webhook";
const PASSWORD = "s3cret-of-git";
const LEADS = "this process leads";
const { signal } = new AbortController();
const say = (line: string): void => void process.stdout.write(`${line}\n`);

let cluster: Cluster;
let folder = "";
let server: FileServer;
const running: ControllerProcess[] = [];

const run = async (args: readonly string[], input?: string): Promise<string> =>
  printed(await kubectl(cluster, ["--namespace", NAMESPACE, ...args], input)).trimEnd();
const apply = (object: object) => run(["apply", "--server-side", "-f", "-"], JSON.stringify(object));
const holder = () => run(["get", "lease", "imgrel-controller", "-o", "jsonpath={.spec.holderIdentity}"]);

function start(): ControllerProcess {
  const controller = startController(
    ...["--image", IMAGE, "--namespace", NAMESPACE, "--kubeconfig", cluster.kubeconfig],
  );
  running.push(controller);
  return controller;
}

/** Merges the folder of a release into the branch of specs. */
async function merge(name: string): Promise<void> {
  const committer = { author: { name: "a", email: "a@b" } };
  const { specs } = await openRepositoryAt(
    { kind: "own", directory: join(folder, "git/releases.git") },
    { specBranch: "main", recordsBranch: "release-records", committer },
  );
  const changes = [{ path: `specs/${name}/release.yaml`, content: demoFolder(name).text }];
  await specs.commit(async () => ({ changes, message: `merge ${name}` }));
}

beforeAll(async () => {
  await takeDown(NAME, signal);
  cluster = await bringUp(NAME, { say, signal });
  folder = await mkdtemp(join(tmpdir(), "imgrel-controller-command-"));
  await kubectl(cluster, ["create", "namespace", NAMESPACE]);
  await run(["apply", "--server-side", "-f", "-"], printed(await imgrel("crds")));
  await run(["wait", "--for=condition=Established", "--timeout=600s", "crd", "--all"]);
  server = await startFileServer((request, response) => {
    gitAnswer(join(folder, "git"), request, { user: "bot", password: PASSWORD }).then(
      (answer) => sendAnswer(response, answer),
      () => response.writeHead(500).end(),
    );
  });
  await merge("demo");
  const secret = (name: string, stringData: object) =>
    apply({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: NAMESPACE }, stringData });
  await secret("git", { username: "bot", password: PASSWORD });
  await secret("git-webhook", { secret: HMAC_KEY });
  await apply(classObject("local", NAMESPACE));
  await apply(
    sourceObject("releases", NAMESPACE, {
      ...{ url: new URL("releases.git", server.url).href, interval: "1d", credentialsRef: { name: "git" } },
      ...{ nudge: { secretRef: { name: "git-webhook" } }, network: { allowPrivate: true, allowHTTP: true } },
    }),
  );
});
afterAll(async () => {
  for (const { end } of running) end();
  await server[Symbol.asyncDispose]();
  await takeDown(NAME, signal);
  await rm(folder, { recursive: true, force: true });
});

describe("imgrel controller", () => {
  it("follows a source, works with what its class names, and looks at once when a webhook asks, on either replica", async () => {
    const first = start();
    await first.told(LEADS);
    await run(["wait", "--for=create", "--timeout=600s", "diskimagerelease/demo"]);
    // the class's Secrets are not there: the real work on a release says so
    await run(["wait", "--for=condition=Stalled", "--timeout=600s", "diskimagerelease/demo"]);
    const message = 'jsonpath={.status.conditions[?(@.type=="Ready")].message}';
    expect(await run(["get", "diskimagerelease", "demo", "-o", message])).toMatch(
      /the Secret signing-key is not there/,
    );

    const second = start();
    await Promise.all([first.becomes(200), second.becomes(200)]);
    expect((await second.get("/metrics")).text).toMatch(/^imgrel_leader 0$/m);
    for (const [replica, name] of [
      [first, "second"],
      [second, "third"],
    ] as const) {
      await merge(name);
      expect(await replica.nudge("releases", '{"ref":"of the push"}', "a guess")).toBe(401);
      expect(await replica.nudge("releases", '{"ref":"of the push"}', HMAC_KEY)).toBe(202);
      await run(["wait", "--for=create", "--timeout=600s", `diskimagerelease/${name}`]);
    }
    expect((await first.get("/metrics")).text).toMatch(/^imgrel_releases\{phase="[A-Za-z]+"\} [1-9]/m);
  });

  it("that was stopped past its lease ends with exit code 1, and the other has gone on", async () => {
    const [first, second] = running;
    if (first === undefined || second === undefined) throw new Error("two were started");
    first.kill("SIGSTOP");
    await second.told(LEADS);
    first.kill("SIGCONT");
    expect((await first.outcome).exitCode).toBe(1);
    expect(first.log().find(({ msg }) => msg === "command failed")).toMatchObject({ code: "LeaseLost", bug: false });
  });

  it("gives its lease back on SIGTERM, exits 0, and has told no secret", async () => {
    const [first, second] = running;
    if (first === undefined || second === undefined) throw new Error("two were started");
    expect(await holder()).toBe((await second.told(LEADS))["identity"]);
    second.kill("SIGTERM");
    expect((await second.outcome).exitCode).toBe(0);
    expect(await holder()).toBe("");
    for (const line of [...first.lines, ...second.lines]) {
      expect(line).not.toMatch(new RegExp(`${HMAC_KEY}|${PASSWORD}|of the push`));
    }
  });
});

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../builders/contract/digest.ts";
import { exec, type Outcome, PLAIN_ENV } from "../../builders/host/exec.ts";
import { openRegistry } from "../../controller/adapters/oci/registry.ts";
import { startRegistryServer } from "../fakes/registry-server.ts";
import { PROJECT } from "../imgrel.ts";
import { OUTPUT } from "../verifiable-release.ts";
import { makeVerifiable } from "../verifiable-repository.ts";

// `imgrel verify` with artifacts in a registry that wants a password, and that fails in the ways that it may.
const PAIR = "user:pass";
const IMAGES = "os/images";
let folder = "";
const at = (name: string) => join(folder, name);
let server: Awaited<ReturnType<typeof startRegistryServer>>;
/** answers in the registry's stead */
let fault: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;

/** A folder with a Docker configuration. */
async function writeConfig(name: string, pair: string): Promise<void> {
  await mkdir(at(name));
  const auths = { [server.host]: { auth: Buffer.from(pair).toString("base64") } };
  await writeFile(join(at(name), "config.json"), JSON.stringify({ auths }));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-verify-registry-"));
  server = await startRegistryServer({
    auth: { kind: "basic", pair: PAIR },
    fault: (request, response) => fault?.(request, response) === true,
  });
  await writeConfig("docker", PAIR);
  await writeConfig("wrong", "user:word");
  const auths = { [server.host]: { auth: Buffer.from(PAIR).toString("base64") } };
  const store = openRegistry({
    ...{ repository: `${server.host}/${IMAGES}`, network: { allowPrivate: true, allowHTTP: true } },
    credentials: async () => JSON.stringify({ auths }),
  });
  await makeVerifiable(folder, store);
});
afterEach(() => {
  fault = undefined;
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const REACH = ["--allow-http", "--allow-private"];

/** The program, with the Docker configuration of a folder. */
function verify(options: readonly string[] = REACH, config = "docker", host = server.host): Promise<Outcome> {
  const places = ["--repo", at("repository.git"), "--policy", at("policy.yaml"), "--registry", `${host}/os`];
  return exec({
    program: process.execPath,
    args: ["controller/main.ts", "verify", "demo", ...places, "--state", at("seen"), ...options],
    cwd: PROJECT,
    env: { ...PLAIN_ENV, HOME: at("home"), DOCKER_CONFIG: at(config) },
  });
}

/** What the check of artifacts says; every other check must have passed. */
function saysOf({ stdout, tail }: Outcome): string {
  const others = stdout.split("\n").filter((line) => /^(FAIL|SKIP)/.test(line) && !/^\w+ {2}artifacts /.test(line));
  expect(others).toEqual([]);
  return /^(?:PASS|FAIL|SKIP) {2}artifacts .*$/m.exec(stdout)?.[0] ?? `nothing: ${tail}`;
}

describe("imgrel verify, with artifacts in a registry", () => {
  it("proves them with the credentials of Docker's configuration, and only reads", async () => {
    const before = server.requests.length;
    const outcome = await verify();
    expect(outcome.exitCode, outcome.stdout + outcome.tail).toBe(0);
    expect(saysOf(outcome)).toMatch(/^PASS {2}artifacts +[0-9]+ bytes hashed$/);
    const asked = server.requests.slice(before);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((request) => !/^(GET|HEAD) /.test(request))).toEqual([]);
  });
  it("asks nothing of it, and ends at once, where a network is not allowed", async () => {
    const before = server.requests.length;
    const outcome = await verify([...REACH, "--offline"]);
    expect(outcome.exitCode).toBe(2);
    expect(outcome.tail).toContain("--offline allows no network, which the registry");
    expect(outcome.stdout).toBe("");
    expect(server.requests.length).toBe(before);
  });

  it.each<[string, string[], RegExp]>([
    ["private addresses", ["--allow-http"], /is not a public address.*--allow-private/],
    ["plain http", ["--allow-private"], /does not speak TLS.*--allow-http/],
  ])("is incomplete where %s may not be asked", async (_, options, why) => {
    const before = server.requests.length;
    const outcome = await verify(options);
    expect(outcome.exitCode, outcome.tail).toBe(5);
    expect(saysOf(outcome)).toMatch(/^SKIP/);
    expect(saysOf(outcome)).toMatch(why);
    expect(server.requests.length).toBe(before);
  });
  it.each(["wrong", "none"])("is incomplete with the credentials of %s", async (config) => {
    const outcome = await verify(REACH, config);
    expect(outcome.exitCode, outcome.tail).toBe(5);
    expect(saysOf(outcome)).toMatch(/^SKIP {2}artifacts .*; check the user, password and rights: .*config\.json/);
    expect(outcome.stdout + outcome.tail).not.toContain(Buffer.from("user:word").toString("base64"));
  });
  it.each([
    [500, {}, /500.*see whether the registry runs/],
    [429, { "retry-after": "3600" }, /429.*wait 3600 s, as it asks/],
  ] as const)("is incomplete where it answers with %i", async (status, headers, why) => {
    fault = (_, response) => {
      response.writeHead(status, headers).end();
      return true;
    };
    const outcome = await verify();
    expect(outcome.exitCode, outcome.tail).toBe(5);
    expect(saysOf(outcome)).toMatch(why);
  });
  it("is incomplete where it is down", async () => {
    const gone = await startRegistryServer();
    await gone[Symbol.asyncDispose]();
    const outcome = await verify(REACH, "docker", gone.host);
    expect(outcome.exitCode, outcome.tail).toBe(5);
    expect(saysOf(outcome)).toMatch(/^SKIP {2}artifacts .*ECONNREFUSED/);
  });
  it("goes on where an answer breaks off", async () => {
    let broken = 0;
    fault = (request, response) => {
      if (broken > 0 || request.headers.authorization === undefined || !/\/blobs\//.test(request.url ?? ""))
        return false;
      broken += 1;
      response.writeHead(200, { "content-length": 1000 });
      response.write("x", () => response.destroy());
      return true;
    };
    const outcome = await verify();
    expect(broken).toBe(1);
    expect(outcome.exitCode, outcome.stdout + outcome.tail).toBe(0);
  });
});

describe("what a registry has in an artifact's place fails the release", () => {
  const kernel = OUTPUT.get("amd64/kernel-initrd/kernel") ?? "";
  const TAG = "demo-amd64-raw";
  const kept: (() => void)[] = [];
  afterEach(() => {
    for (const restore of kept.splice(0)) restore();
  });
  const repository = () => server.repository(IMAGES);
  /** Puts a value, or nothing, in an entry's place until the test has ended. */
  function swap<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
    const before = map.get(key);
    if (before === undefined) throw new RangeError(`there is no ${String(key)}`);
    kept.push(() => map.set(key, before));
    if (value === undefined) map.delete(key);
    else map.set(key, value);
  }
  const rawDigest = () => repository().tags.get(TAG) ?? "";

  it.each<[string, () => void, RegExp]>([
    [
      "other bytes",
      () => swap(repository().blobs, digestOf(kernel), Buffer.from(kernel.replace("kernel", "kernem"))),
      /instead of sha256:[0-9a-f]{64}/,
    ],
    ["no blob", () => swap(repository().blobs, digestOf(kernel), undefined), /has no blob/],
    ["no tag", () => swap(repository().tags, TAG, undefined), /amd64\/raw.*points to nothing/],
    [
      "a tag that was moved",
      () => swap(repository().tags, TAG, repository().tags.get("demo-amd64-kernel-initrd")),
      /amd64\/raw.*points to sha256:[0-9a-f]{64}, not/,
    ],
    ["no manifest", () => swap(repository().manifests, rawDigest(), undefined), /amd64\/raw/],
    [
      "another manifest under its digest",
      () => {
        const manifest = repository().manifests.get(rawDigest());
        if (manifest === undefined) throw new RangeError("the image has no manifest");
        const bytes = Buffer.from(manifest.bytes.toString().replace("installer.img", "installed.img"));
        swap(repository().manifests, rawDigest(), { ...manifest, bytes });
      },
      /instead of .*sha256:[0-9a-f]{64}/,
    ],
  ])("%s", async (_, change, why) => {
    change();
    const outcome = await verify();
    expect(outcome.exitCode, outcome.stdout + outcome.tail).toBe(1);
    expect(saysOf(outcome)).toMatch(/^FAIL/);
    expect(saysOf(outcome)).toMatch(why);
  });
});

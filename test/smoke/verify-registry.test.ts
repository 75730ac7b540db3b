import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { exec, type Outcome, PLAIN_ENV } from "../../builders/host/exec.ts";
import { openRegistry } from "../../controller/adapters/oci/registry.ts";
import { startFileServer } from "../fakes/file-server.ts";
import { type GuardedRegistry, startGuardedRegistry } from "../guarded-registry.ts";
import { PROJECT } from "../imgrel.ts";
import { toolchainRoot } from "../toolbox.ts";
import { OUTPUT } from "../verifiable-release.ts";
import { makeVerifiable } from "../verifiable-repository.ts";

// `imgrel verify` against Debian's registry, with a password and a certificate of its own authority.
let folder = "";
let registry: GuardedRegistry;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-verify-registry-"));
  for (const name of ["registry", "docker"]) await mkdir(at(name));
  registry = await startGuardedRegistry(await toolchainRoot(), at("registry"));
  await writeFile(at("docker/config.json"), registry.dockerConfig);
  const store = openRegistry({
    ...{ repository: `${registry.host}/os/images`, ca: registry.ca, credentials: async () => registry.dockerConfig },
    network: { allowPrivate: true, allowHTTP: false },
  });
  await makeVerifiable(folder, store);
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function verify(
  options: readonly string[],
  { config = "docker", host = registry.host }: { readonly config?: string; readonly host?: string } = {},
): Promise<Outcome> {
  const places = ["--repo", at("repository.git"), "--policy", at("policy.yaml"), "--state", at("seen")];
  const from = ["--registry", `${host}/os`, "--allow-private"];
  return exec({
    program: process.execPath,
    args: ["controller/main.ts", "verify", "demo", ...places, ...from, ...options],
    cwd: PROJECT,
    env: { ...PLAIN_ENV, HOME: at("home"), DOCKER_CONFIG: at(config) },
  });
}
const trusting = () => ["--registry-ca", registry.caFile];
const artifacts = ({ stdout, tail }: Outcome) => /^\w+ {2}artifacts .*$/m.exec(stdout)?.[0] ?? tail;

describe("imgrel verify, with artifacts in docker-registry", () => {
  it("proves a release", async () => {
    const outcome = await verify(trusting());
    expect(outcome.exitCode, outcome.stdout + outcome.tail).toBe(0);
    expect(outcome.stdout).not.toMatch(/^(FAIL|SKIP)/m);
    expect(artifacts(outcome)).toMatch(/[0-9]+ bytes hashed$/);
  });
  it("is incomplete without its certificate, or with no password", async () => {
    const untrusted = await verify([]);
    expect(untrusted.exitCode, untrusted.tail).toBe(5);
    expect(artifacts(untrusted)).toMatch(/^SKIP.*certificate is not trusted.*--registry-ca/);
    const unknown = await verify(trusting(), { config: "none" });
    expect(unknown.exitCode, unknown.tail).toBe(5);
    expect(artifacts(unknown)).toMatch(/^SKIP.*check the user, password/);
  });
  it("is not led to plain http by --allow-http where certificates are named", async () => {
    await using plain = await startFileServer((_, response) => void response.end("{}"));
    const outcome = await verify([...trusting(), "--allow-http"], { host: plain.url.host });
    expect(outcome.exitCode, outcome.stdout + outcome.tail).toBe(5);
    expect(artifacts(outcome)).toMatch(/^SKIP.*does not speak TLS/);
    expect(plain.requests).toEqual([]);
  });
  it("fails for a byte that the registry's disk has wrong", async () => {
    const hex = sha256Hex(OUTPUT.get("amd64/raw/installer.img") ?? "");
    const data = join(registry.storage, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data");
    await using file = await open(data, "r+");
    await file.write("X", 0);
    const outcome = await verify(trusting());
    expect(outcome.exitCode, outcome.stdout + outcome.tail).toBe(1);
    expect(artifacts(outcome)).toMatch(/^FAIL {2}artifacts .*instead of sha256:/);
  });
});

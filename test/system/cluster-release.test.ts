import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BuildManifest } from "../../builders/contract/build-manifest.ts";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { exec } from "../../builders/host/exec.ts";
import { openRegistry } from "../../controller/adapters/oci/registry.ts";
import { CLUSTER_BUILDER } from "../../controller/domain/provenance.ts";
import { API_VERSION } from "../../controller/domain/release.ts";
import { PROJECT } from "../imgrel.ts";
import { inNetwork } from "./cluster/cluster.ts";
import { BUILD, installedImgrel, REGISTRY, SYSTEM } from "./cluster-release-room.ts";

// Releases from a spec in git to their record, built and booted in pods of a real cluster: nothing of it is simulated.
const { signal } = new AbortController();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
let room: Awaited<ReturnType<typeof installedImgrel>>;

const ofSystem = (...args: readonly string[]) => ["--namespace", SYSTEM, ...args];
const ofBuild = (...args: readonly string[]) => ["--namespace", BUILD, ...args];
const conditions = (name: string) =>
  ofSystem(
    ...["get", "diskimagerelease", name, "-o"],
    'jsonpath={range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{"\\n"}{end}',
  );
const leftOvers = ofBuild("get", "jobs,pods,pvc", "-o", "name");
const recordOf = async (name: string) => (await room.git.records.tip()).readDirectory(`records/${name}`);
const image = (variant: string, name: string) => {
  const repository = `${room.cluster.registry}/${REGISTRY.split("/")[1]}/images`;
  const store = openRegistry({ repository, network: { allowPrivate: true, allowHTTP: true } });
  return store.resolveTag(`${name}-amd64-${variant}`, signal);
};

/** Merges another release of the demo's packages, with one target, or takes it away. */
async function merge(name: string, present = true): Promise<void> {
  const demo = await (await room.git.specs.tip()).readDirectory("specs/demo");
  const changes = [...demo].map(([file, bytes]) => {
    const text = new TextDecoder().decode(bytes);
    const own = text.replace("name: demo", `name: ${name}`).replace(/ {4}- variant: qcow2\n {6}arch: amd64\n/, "");
    return { path: `specs/${name}/${file}`, content: present ? own : null };
  });
  await room.git.specs.commit(async () => ({ changes, message: `merge ${name}` }));
}

beforeAll(async () => {
  room = await installedImgrel("release", say);
});
afterAll(() => room[Symbol.asyncDispose]());

describe("a release in a cluster", () => {
  it("gets from git to git: built in two pods, compared, booted, signed and published", async () => {
    await room.run(ofSystem("wait", "--for=create", "--timeout=600s", "diskimagerelease/demo"));
    await room.until(conditions("demo"), /^Ready=True/m, /^Stalled=True/m);
    await room.run(ofSystem("wait", "--for=condition=Ready", "--timeout=5s", "diskimagerelease/demo"));
    const table = await room.run(ofSystem("get", "diskimagereleases"));
    say(table);
    expect(table).toMatch(/^demo +2026\.\S+ +True +Released +2\/2 +True +True /m);
    expect([await image("kernel-initrd", "demo"), await image("qcow2", "demo")]).not.toContain(null);
  });

  it("has the digests that a local build has", async () => {
    const recorded = new TextDecoder().decode((await recordOf("demo")).get("SHA256SUMS"));
    for (const variant of ["kernel-initrd", "qcow2"]) {
      const file = join(room.folder, "local", variant, "amd64/build-manifest.json");
      const { artifacts } = BuildManifest.parse(JSON.parse(await readFile(file, "utf8")));
      expect(Object.keys(artifacts)).toContain(`amd64/${variant}/SHA256SUMS`);
      for (const [path, { sha256 }] of Object.entries(artifacts)) expect(recorded).toContain(`${sha256}  ${path}\n`);
    }
  });

  it("leaves nothing in the build namespace, and nothing holds it", async () => {
    await room.until(leftOvers, /^$/);
    const finalizers = ofSystem("get", "diskimagerelease", "demo", "-o", "jsonpath={.metadata.finalizers}");
    expect(await room.until(finalizers, /^$/)).toBe("");
  });

  it("is proven by imgrel verify, from git and registry alone", async () => {
    const publicKey = room.publicKey.export({ type: "spki", format: "pem" });
    const keySha256 = sha256Hex(room.publicKey.export({ type: "spki", format: "der" }));
    const signer = { id: "cluster", mode: "key", operator: "us", maxBuildLevel: 2, builderIds: [CLUSTER_BUILDER] };
    const requirements = {
      ...{ minBuilds: 2, minOperators: 1, tlog: "optional", timestamp: "required-for-keyless" },
      ...{ tests: ["boot"], sbom: true },
    };
    const policy = join(room.folder, "policy.yaml");
    const signers = [{ ...signer, keySha256, publicKey }];
    await writeFile(policy, JSON.stringify({ apiVersion: API_VERSION, signers, requirements }));
    const args = ["verify", "demo", "--repo", room.directory, "--policy", policy, "--state", join(room.folder, "seen")];
    const from = ["--registry", REGISTRY, "--allow-http", "--allow-private"];
    const program = join(PROJECT, "controller/main.ts");
    const verified = await exec(inNetwork(room.cluster, process.execPath, [program, ...args, ...from]));
    say(verified.stdout);
    expect([verified.exitCode, verified.stdout]).toEqual([0, expect.stringMatching(/^verified: demo$/m) as string]);
  });

  it("that is deleted while it is built leaves nothing", async () => {
    await merge("gone");
    const builds = ofBuild("get", "pods", "-l", "releases.powernode.io/step=build", "-o");
    await room.until([...builds, "jsonpath={.items[*].status.phase}"], /^Running Running$/);
    await merge("gone", false);
    const orphaned = "releases.powernode.io/orphaned=true";
    await room.until(ofSystem("get", "diskimagereleases", "-l", orphaned, "-o", "name"), /gone/);
    await room.run(ofSystem("delete", "diskimagerelease", "gone", "--timeout=600s"));
    await room.until(leftOvers, /^$/);
    expect([...(await recordOf("gone"))]).toEqual([]);
  });

  it("whose runs differ is refused: nothing is signed or published, and the record says where", async () => {
    const wrong = ["IMGREL_TEST=1", "IMGREL_TEST_PERTURB=cpio-member"];
    await room.run(ofSystem("set", "env", "deployment/imgrel-controller", ...wrong));
    await room.run(ofSystem("rollout", "status", "deployment/imgrel-controller", "--timeout=600s"));
    await merge("differs");
    const said = await room.until(conditions("differs"), /^Stalled=True/m, /^Ready=True/m);
    expect(said).toMatch(/^Reproducible=False NotReproducible: /m);
    await room.until(conditions("differs"), /^Recorded=True /m);
    const names = [...(await recordOf("differs")).keys()];
    expect(names).toEqual(expect.arrayContaining(["diff/amd64.json", "diff/amd64.txt", "status.yaml"]));
    expect(names.filter((name) => name.endsWith(".sigstore.json"))).toEqual([]);
    expect(await image("kernel-initrd", "differs")).toBeNull();
  });
});

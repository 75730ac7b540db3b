import { randomUUID } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { BootResult } from "../../builders/contract/boot.ts";
import { BuildRequest } from "../../builders/contract/build-request.ts";
import { digestOf, stableJson } from "../../builders/contract/digest.ts";
import { TerminationMessage } from "../../builders/contract/termination-message.ts";
import { blobPath, cacheRoot } from "../../builders/host/cache.ts";
import { exec } from "../../builders/host/exec.ts";
import { sha256File } from "../../builders/host/files.ts";
import { inputsImage } from "../../controller/adapters/image/inputs-image.ts";
import { openArtifact } from "../../controller/adapters/local/boot-artifact.ts";
import { openLayout } from "../../controller/adapters/oci/layout.ts";
import { readManifestLinks } from "../../controller/domain/manifest-links.ts";
import { toolchainFault } from "../../controller/domain/image.ts";
import { pushArtifact } from "../../controller/reconciler/push-artifact.ts";
import { type Container, runContainer, StartConfig } from "../container.ts";
import { imgrel, IMGREL_ENV, PROJECT } from "../imgrel.ts";
import { projectFiles } from "../shards/inputs.ts";
import { runTools, toolchainRoot } from "../toolbox.ts";

// imgrel's own images: made twice, and then used as a cluster uses them, by a real container runtime.
const Made = z.object({ images: z.record(z.string(), z.string()) });
/** What a build Job adds after it has dropped all (docs/architecture.md, "Build steps"). */
const EIGHT = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETGID", "SETUID", "SYS_CHROOT", "MKNOD"];
const signal = new AbortController().signal;
let folder = "";
let tools = "";
let first: z.infer<typeof Made>;

const layout = () => openLayout({ directory: join(folder, "images"), name: "images" });

/** Unpacks an image of the layout into a folder; gives its configuration and its manifest's annotations. */
async function unpack(tag: string) {
  const digest = await layout().resolveTag(tag, signal);
  const manifest = digest === null ? null : await layout().readManifest(digest, signal);
  if (manifest === null) throw new Error(`there is no image ${tag}`);
  const { blobs, descriptor } = readManifestLinks(manifest.mediaType, manifest.bytes);
  const [config, ...layers] = blobs;
  if (config === undefined) throw new Error(`${tag} has no configuration`);
  await mkdir(join(folder, tag));
  for (const { digest, mediaType } of layers) {
    const packed = mediaType.endsWith("+zstd") ? "--zstd" : "";
    const file = `images/blobs/sha256/${digest.slice("sha256:".length)}`;
    await runTools(tools, folder, `tar -x -p --numeric-owner ${packed} -f ${file} -C ${tag}`);
  }
  const text = new TextDecoder().decode(await layout().readBlob(config, buffer, signal));
  return { annotations: descriptor.annotations, config: StartConfig.parse(JSON.parse(text)).config };
}

const container = async (
  name: string,
  tag: string,
  rest: Omit<Container, "bundle" | "root" | "config">,
): Promise<Awaited<ReturnType<typeof runContainer>>> => {
  const { config } = await unpacked(tag);
  const bundle = join(folder, "bundles", name);
  return runContainer(`imgrel-${name}-${randomUUID().slice(0, 8)}`, {
    bundle,
    root: join(folder, tag),
    config,
    ...rest,
  });
};
const known = new Map<string, ReturnType<typeof unpack>>();
function unpacked(tag: string): ReturnType<typeof unpack> {
  const found = known.get(tag) ?? unpack(tag);
  known.set(tag, found);
  return found;
}

/** An empty folder, as a volume of a new pod is. */
async function emptyVolume(name: string, mode = 0o777): Promise<string> {
  const path = join(folder, "volumes", name);
  await mkdir(path, { recursive: true, mode });
  expect((await exec({ program: "chmod", args: [mode.toString(8), path] })).exitCode).toBe(0);
  return path;
}

beforeAll(async () => {
  const parent = join(cacheRoot(process.env), "tests");
  await mkdir(parent, { recursive: true });
  folder = await mkdtemp(join(parent, "images-"));
  tools = await toolchainRoot();
  const made = await imgrel("images", "--folder", join(folder, "images"), "-o", "json");
  if (made.exitCode !== 0) throw new Error(made.tail);
  first = Made.parse(JSON.parse(made.stdout));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("imgrel's images", () => {
  it("are the same from another checkout, of other modes and times, whose roots are built anew", async () => {
    const copy = join(folder, "elsewhere/a checkout");
    for (const path of await projectFiles(PROJECT)) {
      await mkdir(dirname(join(copy, path)), { recursive: true, mode: 0o700 });
      await cp(join(PROJECT, path), join(copy, path));
    }
    await symlink(join(PROJECT, "node_modules"), join(copy, "node_modules"));
    await writeFile(join(copy, "builders/notes.txt"), "what git does not know is not in an image");
    const git = (...args: readonly string[]) => exec({ program: "git", args: ["-C", copy, ...args] });
    expect((await git("init", "--quiet")).exitCode).toBe(0);
    await writeFile(join(copy, ".git/info/exclude"), "notes.txt\n");
    expect((await git("add", "--all")).exitCode).toBe(0);
    const cache = join(folder, "elsewhere/cache");
    await mkdir(join(cache, "imgrel"), { recursive: true });
    await symlink(join(cacheRoot(process.env), "blobs"), join(cache, "imgrel/blobs"));
    const again = await exec({
      program: "sh",
      args: ["-c", 'umask 077; exec "$@"', "sh", process.execPath, "controller/main.ts", "images", "-o", "json"],
      ...{ cwd: copy, env: { ...IMGREL_ENV, XDG_CACHE_HOME: cache, TZ: "Pacific/Kiritimati" } },
    });
    expect(again.exitCode, again.tail).toBe(0);
    expect(Made.parse(JSON.parse(again.stdout)).images).toEqual(first.images);
    expect(Object.keys(first.images).toSorted()).toEqual(["boot", "builder", "controller"]);
  });

  it("have a controller that runs as an ordinary user with all that it calls", async () => {
    const outcome = await container("controller", "controller-amd64", {
      ...{ capabilities: [], volumes: { "/tmp": await emptyVolume("tmp") } },
    });
    expect(outcome.exitCode, outcome.tail).toBe(0);
    expect(outcome.stdout).toContain("imgrel [options] [command]");
    const { config } = await unpacked("controller-amd64");
    const script =
      "id -u; git --version; apt-get --version | head -n 1; /usr/bin/busybox true; " +
      "ssh-keygen -q -t ed25519 -N '' -f /tmp/key; echo text | ssh-keygen -q -Y sign -n test -f /tmp/key; " +
      "test -s /etc/ssl/certs/ca-certificates.crt; if touch /etc/new; then exit 1; fi";
    const called = await runContainer(`imgrel-called-${randomUUID().slice(0, 8)}`, {
      ...{ bundle: join(folder, "bundles/called"), root: join(folder, "controller-amd64"), capabilities: [] },
      config: { ...config, Entrypoint: ["/bin/sh", "-euc"] },
      args: [script],
      volumes: { "/tmp": await emptyVolume("tmp2") },
    });
    expect(called.exitCode, called.tail).toBe(0);
    expect(called.stdout).toMatch(/^65532\ngit version .*\napt .*\n-----BEGIN SSH SIGNATURE-----/);
  });
});

describe("a release's build in containers", () => {
  let request: BuildRequest;
  let local = "";
  let outside = { in: "", out: "" };

  beforeAll(async () => {
    const state = join(folder, "state");
    const build = await imgrel(
      ...["build", "--arch", "amd64", "--variant", "kernel-initrd", "--state-dir", state],
      ...["--output", join(folder, "local")],
    );
    if (build.exitCode !== 0) throw new Error(build.tail);
    local = join(state, "work/demo/amd64/run-1");
    request = BuildRequest.parse(JSON.parse(await readFile(join(local, "request.json"), "utf8")));
    outside = { in: await emptyVolume("in"), out: await emptyVolume("out", 0o755) };
  });

  it("has a builder of the toolchain that the release's lock names", async () => {
    expect(toolchainFault(request.lock, (await unpacked("builder-amd64")).annotations)).toBeUndefined();
  });

  it("gets its inputs from an image, copied by a user without rights", async () => {
    await unpacked("controller-amd64");
    const image = await inputsImage({
      ...{ request, signal, copier: join(folder, "controller-amd64/usr/bin/busybox") },
      pathOf: (sha256) => blobPath(cacheRoot(process.env), sha256),
    });
    const digest = await pushArtifact(layout(), image.manifest, image.sources, signal);
    await layout().tag("inputs", digest, signal);
    const copied = await container("inputs", "inputs", { capabilities: [], volumes: { "/in": outside.in } });
    expect(copied.exitCode, copied.tail).toBe(0);
    expect(await readFile(join(outside.in, "request.json"), "utf8")).toBe(stableJson(request));
  });

  it("gives the local builder's bytes, and tells their manifest's digest", async () => {
    const [log, hosts] = [join(folder, "termination-log"), join(folder, "hosts")];
    for (const file of [log, hosts]) await writeFile(file, "");
    const built = await container("build", "builder-amd64", {
      args: ["build", "--termination-log", "/dev/termination-log"],
      capabilities: EIGHT,
      volumes: {
        ...{ "/in": { readOnly: outside.in }, "/w": await emptyVolume("w"), "/w/out": outside.out },
        ...{ "/w/logs": await emptyVolume("logs"), "/dev/termination-log": log },
        ...{ "/etc/hosts": hosts, "/etc/hostname": hosts, "/etc/resolv.conf": hosts },
      },
    });
    expect(built.exitCode, built.tail).toBe(0);
    const manifest = await sha256File(join(local, "out/amd64/build-manifest.json"));
    expect(await sha256File(join(outside.out, "amd64/build-manifest.json"))).toBe(manifest);
    expect(await readFile(join(outside.out, "amd64/kernel-initrd/SHA256SUMS"))).toEqual(
      await readFile(join(local, "out/amd64/kernel-initrd/SHA256SUMS")),
    );
    const sums = { program: "sha256sum", args: ["-c", "SHA256SUMS"], cwd: join(outside.out, "amd64/kernel-initrd") };
    expect((await exec(sums)).exitCode).toBe(0);
    const told = TerminationMessage.parse(JSON.parse(await readFile(log, "utf8")));
    expect(told).toEqual({
      ...{ schemaVersion: 1, manifest: `sha256:${manifest}`, cpus: expect.stringMatching(/^[0-9,-]+$/) as string },
    });
  });

  it("is refused where another run can be seen, or with a right too few", async () => {
    const log = join(folder, "refused");
    const refused = async (name: string, capabilities: readonly string[], volumes: Container["volumes"]) => {
      await writeFile(log, "");
      const outcome = await container(name, "builder-amd64", {
        ...{ args: ["build", "--termination-log", "/dev/termination-log"], capabilities },
        volumes: {
          "/in": { readOnly: outside.in },
          "/w": await emptyVolume(name),
          ...volumes,
          "/dev/termination-log": log,
        },
      });
      expect(outcome.exitCode, outcome.tail).toBe(1);
      return TerminationMessage.parse(JSON.parse(await readFile(log, "utf8")));
    };
    expect(await refused("other-run", EIGHT, { "/mnt": { readOnly: outside.out } })).toMatchObject({
      failure: { code: "SurroundingsMismatch", message: expect.stringContaining("something is mounted at /mnt") },
    });
    expect(
      await refused(
        "no-fsetid",
        EIGHT.filter((name) => name !== "FSETID"),
        {},
      ),
    ).toMatchObject({
      failure: { code: "PrivilegeMismatch", message: expect.stringContaining("missing: FSETID") },
    });
  });

  it("boots in a container without any right", async () => {
    const artifact = join(outside.out, "amd64/kernel-initrd");
    const { arch, variant, rootDigest, backing } = await openArtifact(artifact);
    const [boot, w] = [await emptyVolume("boot"), await emptyVolume("boot-w")];
    const machine = { disk: null, memoryMiB: 1536, timeoutSeconds: 900 };
    const asked = { schemaVersion: 1, arch, variant, rootDigest, backing, identity: randomUUID(), ...machine };
    await writeFile(join(boot, "request.json"), JSON.stringify(asked));
    await mkdir(join(boot, "artifact"));
    const booted = await container("boot", "boot-amd64", {
      capabilities: [],
      volumes: { "/in": { readOnly: boot }, "/in/artifact": { readOnly: artifact }, "/w": w },
    });
    expect(booted.exitCode, booted.tail).toBe(0);
    const result = BootResult.parse(JSON.parse(await readFile(join(w, "boot.json"), "utf8")));
    expect(result.passed, result.reason).toBe(true);
    expect(result.agentLine).toContain(asked.identity);
  });
});

it("the layout is one that others can read", async () => {
  const shown = await runTools(tools, folder, "HOME=/w oras manifest fetch --oci-layout /w/images:builder-amd64");
  expect(digestOf(shown.trimEnd())).toBe(first.images["builder"]);
});

import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BuildError } from "../../builders/contract/build-failure.ts";
import { lockDigest } from "../../builders/contract/lock.ts";
import { FetchMessage, PublishMessage, requestVariables } from "../../builders/contract/pod.ts";
import { fakeArtifactStore } from "../../test/fakes/artifact-store.ts";
import { fakeCommandContext } from "../../test/fakes/command-context.ts";
import { demoFetchPod } from "../../test/fakes/job-context.ts";
import { writeDemoRun } from "../../test/fakes/staged-run.ts";
import { ReleaseError } from "../domain/errors.ts";
import type { FetchRequest } from "../domain/jobs/fetch-job.ts";
import type { PublishRequest } from "../domain/jobs/publish-job.ts";
import { readStaged } from "../domain/jobs/staged-run.ts";
import type { PackageStore } from "../ports/package-store.ts";
import { addPod } from "./pod.ts";

let folder = "";
let made: Awaited<ReturnType<typeof writeDemoRun>>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pod-command-"));
  made = await writeDemoRun(folder);
  await writeFile(join(folder, "busybox"), "static", { mode: 0o755 });
  await writeFile(join(folder, "package.deb"), "bytes");
});
afterEach(() => rm(folder, { recursive: true }));

const access = { allowPrivate: false, allowHTTP: false, ca: null };
const publishRequest: PublishRequest = {
  ...{ schemaVersion: 1, arch: "amd64", repository: "registry.example/staging", tag: "dir-x-amd64-s1" },
  ...{ sourceDateEpoch: 0, access },
};
const fetchRequest = (): FetchRequest => {
  const { build, toolchain, ...rest } = demoFetchPod("amd64");
  const lock = { ...build.lock, toolchain: lockDigest(toolchain) };
  return { schemaVersion: 1, tag: "dir-x-amd64-inputs", build: { ...build, lock }, toolchain, ...rest };
};

type Given = {
  readonly asked?: object | null;
  readonly store?: ReturnType<typeof fakeArtifactStore>["store"];
  readonly fetch?: PackageStore["fetch"];
};

/** Runs `imgrel pod <name>` as a pod does. */
async function runPod(name: "fetch" | "publish", given: Given = {}) {
  const registry = fakeArtifactStore("registry.example/x");
  const asked = given.asked === undefined ? (name === "fetch" ? fetchRequest() : publishRequest) : given.asked;
  const { context, recorded } = fakeCommandContext({ env: asked === null ? {} : requestVariables(asked) });
  const program = new Command("imgrel").exitOverride();
  const opened: unknown[] = [];
  addPod(program, context, {
    run: { out: join(folder, "out"), logs: join(folder, "logs") },
    copier: join(folder, "busybox"),
    openRegistry: async ({ repository }) => {
      opened.push(repository);
      return given.store ?? registry.store;
    },
    openPackages: async (archives) => {
      opened.push(Object.keys(archives));
      return { fetch: given.fetch ?? (async () => []), pathOf: () => join(folder, "package.deb") };
    },
  });
  const file = join(folder, "message");
  await program.parseAsync(["pod", name, "--termination-log", file], { from: "user" });
  const message = await readFile(file, "utf8").catch(() => "");
  return { registry, recorded, opened, message };
}

describe("imgrel pod publish", () => {
  it("pushes all that the run left under one manifest, keeps it by a tag, and tells both digests", async () => {
    const { registry, message, opened } = await runPod("publish");
    const { staged, manifest } = PublishMessage.parse(JSON.parse(message));
    expect(opened).toEqual(["registry.example/staging"]);
    expect(manifest).toBe(made.digest);
    const stored = registry.manifests.get(staged);
    const files = readStaged(stored?.bytes ?? new Uint8Array(), "amd64", made.digest);
    expect(files.map(({ path }) => path).toSorted()).toEqual(made.paths.toSorted());
    expect([...registry.tags]).toEqual([[`dir-x-amd64-s1-${staged.slice(7, 19)}`, staged]]);
    expect(Buffer.byteLength(message)).toBeLessThan(4096);
  });
  it("pushes a second time without moving a tag, with other logs too", async () => {
    const first = await runPod("publish");
    const { store } = first.registry;
    expect((await runPod("publish", { store })).message).toBe(first.message);
    await writeFile(join(folder, "logs/01-root.log"), "another attempt\n");
    await runPod("publish", { store });
    expect(first.registry.tags.size).toBe(2);
  });
  it("refuses a run without a manifest, or with something that is no file", async () => {
    await symlink("/etc/passwd", join(folder, "out/amd64/link"));
    await expect(runPod("publish")).rejects.toMatchObject({ code: "VerificationFailed" });
    await rm(join(folder, "out/amd64/link"));
    await writeFile(join(folder, "out/amd64/build-manifest.json"), "{}");
    await expect(runPod("publish")).rejects.toMatchObject({ code: "ManifestMismatch" });
    await rm(join(folder, "out/amd64/build-manifest.json"));
    await expect(runPod("publish")).rejects.toMatchObject({ code: "ManifestMismatch" });
  });
  it("ends with 75 if the registry does not answer, so that the Job is repeated, and with an error otherwise", async () => {
    const failing = (code: "RegistryUnavailable" | "Unauthorized") => ({
      ...fakeArtifactStore().store,
      pushBlob: () => Promise.reject(new ReleaseError(code, "503 from registry", "wait")),
    });
    const { recorded, message } = await runPod("publish", { store: failing("RegistryUnavailable") });
    expect(recorded).toMatchObject({ exitCode: 75, stderr: "error: 503 from registry\n" });
    expect(message).toBe("");
    await expect(runPod("publish", { store: failing("Unauthorized") })).rejects.toMatchObject({ code: "Unauthorized" });
  });
});

describe("imgrel pod fetch", () => {
  it("pushes the archive of all inputs and the image that builds start from, and tells the image's digest", async () => {
    const fetched: string[] = [];
    const { registry, message, opened } = await runPod("fetch", {
      fetch: async ({ kind }) => {
        fetched.push(kind);
        return [];
      },
    });
    const { inputsImage } = FetchMessage.parse(JSON.parse(message));
    expect(fetched).toEqual(["release", "toolchain"]);
    expect(opened).toEqual([["debian"], "registry.example/powernode/inputs"]);
    expect(registry.tags.get(`dir-x-amd64-inputs-${inputsImage.slice(7, 19)}`)).toBe(inputsImage);
    expect(registry.manifests.size).toBe(2);
    expect(registry.tags.size).toBe(2);
    expect((await runPod("fetch", { store: registry.store })).message).toBe(message);
  });
  it("ends with 75 if an archive cannot be reached, and with 4 if it lost a package", async () => {
    const failure = { code: "InputMissing", step: "fetch", message: "no route", remedy: "wait" } as const;
    const { recorded } = await runPod("fetch", { fetch: () => Promise.reject(new BuildError(failure)) });
    expect(recorded).toMatchObject({ exitCode: 75, stderr: "error: no route\n" });
    await expect(runPod("fetch", { fetch: async ({ packages }) => packages })).rejects.toMatchObject({
      ...{ code: "StaleLock", exitCode: 4 },
    });
    const altered = new BuildError({ ...failure, code: "InputDigestMismatch" });
    await expect(runPod("fetch", { fetch: () => Promise.reject(altered) })).rejects.toBe(altered);
  });
});

describe("a request", () => {
  it("of another version, or none, is refused", async () => {
    for (const name of ["fetch", "publish"] as const) {
      const refused = { code: "Usage", exitCode: 2 };
      await expect(runPod(name, { asked: { ...publishRequest, schemaVersion: 2 } })).rejects.toMatchObject(refused);
      await expect(runPod(name, { asked: null })).rejects.toMatchObject(refused);
    }
  });
});

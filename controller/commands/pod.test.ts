import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MESSAGE_VARIABLE, PublishMessage, requestVariables } from "../../builders/contract/pod.ts";
import { fakeArtifactStore } from "../../test/fakes/artifact-store.ts";
import { fakeCommandContext } from "../../test/fakes/command-context.ts";
import { writeDemoRun } from "../../test/fakes/staged-run.ts";
import { ReleaseError } from "../domain/errors.ts";
import type { PublishRequest } from "../domain/jobs/publish-job.ts";
import { readStaged } from "../domain/jobs/staged-run.ts";
import { addPod } from "./pod.ts";
import { Command } from "commander";

let folder = "";
let made: Awaited<ReturnType<typeof writeDemoRun>>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pod-command-"));
  made = await writeDemoRun(folder);
});
afterEach(() => rm(folder, { recursive: true }));

const request: PublishRequest = {
  ...{ schemaVersion: 1, arch: "amd64", repository: "registry.example/staging", tag: "dir-x-amd64-s1" },
  ...{ sourceDateEpoch: 0, access: { allowPrivate: false, allowHTTP: false, ca: null } },
};

/** Runs `imgrel pod publish` as a pod does. */
async function publish(asked: object = request, over: { store?: ReturnType<typeof fakeArtifactStore>["store"] } = {}) {
  const staging = fakeArtifactStore("registry.example/staging");
  const env = { ...requestVariables(asked), [MESSAGE_VARIABLE]: join(folder, "message") };
  const { context, recorded } = fakeCommandContext({ env });
  const program = new Command("imgrel").exitOverride();
  const opened: unknown[] = [];
  addPod(program, context, {
    run: { out: join(folder, "out"), logs: join(folder, "logs") },
    openRegistry: async ({ repository }) => {
      opened.push(repository);
      return over.store ?? staging.store;
    },
  });
  await program.parseAsync(["pod", "publish"], { from: "user" });
  const message = await readFile(join(folder, "message"), "utf8").catch(() => "");
  return { staging, recorded, opened, message };
}

describe("imgrel pod publish", () => {
  it("pushes all that the run left under one manifest, keeps it by a tag, and tells both digests", async () => {
    const { staging, message, opened } = await publish();
    const { staged, manifest } = PublishMessage.parse(JSON.parse(message));
    expect(opened).toEqual(["registry.example/staging"]);
    expect(manifest).toBe(made.digest);
    const stored = staging.manifests.get(staged);
    const files = readStaged(stored?.bytes ?? new Uint8Array(), "amd64", made.digest);
    expect(files.map(({ path }) => path).toSorted()).toEqual(made.paths.toSorted());
    expect([...staging.tags]).toEqual([[`dir-x-amd64-s1-${staged.slice(7, 19)}`, staged]]);
    expect(Buffer.byteLength(message)).toBeLessThan(4096);
  });
  it("pushes a second time without moving a tag, with other logs too", async () => {
    const first = await publish();
    expect((await publish(request, { store: first.staging.store })).message).toBe(first.message);
    await writeFile(join(folder, "logs/01-root.log"), "another attempt\n");
    await publish(request, { store: first.staging.store });
    expect(first.staging.tags.size).toBe(2);
  });
  it("refuses a run without a manifest, or with something that is no file", async () => {
    await symlink("/etc/passwd", join(folder, "out/amd64/link"));
    await expect(publish()).rejects.toMatchObject({ code: "VerificationFailed" });
    await rm(join(folder, "out/amd64/link"));
    await writeFile(join(folder, "out/amd64/build-manifest.json"), "{}");
    await expect(publish()).rejects.toMatchObject({ code: "ManifestMismatch" });
    await rm(join(folder, "out/amd64/build-manifest.json"));
    await expect(publish()).rejects.toMatchObject({ code: "ManifestMismatch" });
  });
  it("ends with 75 if the registry does not answer, so that the Job is repeated, and with an error otherwise", async () => {
    const failing = (code: "RegistryUnavailable" | "Unauthorized") => ({
      ...fakeArtifactStore().store,
      pushBlob: () => Promise.reject(new ReleaseError(code, "503 from registry", "wait")),
    });
    const { recorded, message } = await publish(request, { store: failing("RegistryUnavailable") });
    expect(recorded).toMatchObject({ exitCode: 75, stderr: "error: 503 from registry\n  → wait\n" });
    expect(message).toBe("");
    await expect(publish(request, { store: failing("Unauthorized") })).rejects.toMatchObject({ code: "Unauthorized" });
  });
  it("refuses a request of another version, or none", async () => {
    await expect(publish({ ...request, schemaVersion: 2 })).rejects.toMatchObject({ code: "Usage", exitCode: 2 });
    const { context } = fakeCommandContext({ env: {} });
    const program = new Command("imgrel");
    addPod(program, context, { run: { out: "", logs: "" }, openRegistry: () => Promise.reject(new Error("unused")) });
    await expect(program.parseAsync(["pod", "publish"], { from: "user" })).rejects.toMatchObject({ code: "Usage" });
  });
});

import { mkdir, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRegistry } from "../../controller/adapters/oci/registry.ts";
import { openStaging } from "../../controller/adapters/oci/staging.ts";
import { downloadRun } from "../../controller/adapters/kubernetes/download-run.ts";
import { addPod } from "../../controller/commands/pod.ts";
import { PublishMessage, requestVariables } from "../../builders/contract/pod.ts";
import type { PublishRequest } from "../../controller/domain/jobs/publish-job.ts";
import { type DockerRegistry, startDockerRegistry } from "../docker-registry.ts";
import { writeDemoRun } from "../fakes/staged-run.ts";
import { fakeCommandContext } from "../fakes/command-context.ts";
import { toolchainRoot } from "../toolbox.ts";

// A run on its way from a publish pod to the controller, over Debian's registry.
const { signal } = new AbortController();
let folder = "";
let registry: DockerRegistry;
let made: Awaited<ReturnType<typeof writeDemoRun>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "staged-run-"));
  await mkdir(join(folder, "registry"));
  registry = await startDockerRegistry(await toolchainRoot(), join(folder, "registry"));
  made = await writeDemoRun(join(folder, "volume"));
}, 900_000);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

describe("a run in a real registry", () => {
  it("is pushed, brought back byte for byte with holes as holes, and pushed again without a change", async () => {
    const repository = `${registry.host}/powernode/staging`;
    const network = { allowPrivate: true, allowHTTP: true };
    const request: PublishRequest = {
      ...{ schemaVersion: 1, arch: "amd64", repository, tag: "dir-0123456789-amd64-s1", sourceDateEpoch: 0 },
      access: { ...network, ca: null },
    };
    const publish = async (): Promise<PublishMessage> => {
      const { context } = fakeCommandContext({ env: requestVariables(request) });
      const program = new Command("imgrel");
      addPod(program, context, {
        run: { out: join(folder, "volume/out"), logs: join(folder, "volume/logs") },
        ...{ copier: "", openPackages: () => Promise.reject(new Error("not asked")) },
        openRegistry: async () => openRegistry({ repository, network }),
      });
      await program.parseAsync(["pod", "publish", "--termination-log", join(folder, "message")], { from: "user" });
      return PublishMessage.parse(JSON.parse(await readFile(join(folder, "message"), "utf8")));
    };
    const said = await publish();
    expect(said.manifest).toBe(made.digest);
    expect(await publish()).toEqual(said);

    const staging = openStaging({ repository, network });
    const here = join(folder, "here");
    const logs = await downloadRun(
      staging,
      { arch: "amd64", staged: said.staged, manifest: made.digest },
      here,
      signal,
    );
    expect(logs.map(({ name }) => name)).toEqual(["01-root.log"]);
    for (const path of made.paths) {
      const [before, after] = await Promise.all(
        [join(folder, "volume", path), join(here, path)].map((file) => readFile(file)),
      );
      expect(after?.equals(before ?? Buffer.alloc(0)), path).toBe(true);
    }
    expect((await stat(join(here, "out/amd64/raw/installer.img"))).blocks * 512).toBeLessThan(100_000);

    // this registry removes nothing unless it is told to: that is said, not an error
    expect(await staging.remove(said.staged, signal)).toBe(false);
    expect(await staging.readManifest(said.staged, signal)).not.toBeNull();
  });
});

import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fakeCommandContext } from "../../test/fakes/command-context.ts";
import { PERTURB_VARIABLE } from "../../builders/contract/perturbation.ts";
import { ReleaseError } from "../domain/errors.ts";
import { addController, type ControllerPlaces } from "./controller.ts";

const IMAGE = `registry.example:5000/imgrel/controller@sha256:${"a".repeat(64)}`;
const never = () => Promise.reject(new Error("it is not asked for"));

let cwd = "";
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "controller-command-"));
});
afterAll(() => rm(cwd, { recursive: true }));

/** Runs `imgrel controller` with these arguments; `serve` is what it does instead of serving. */
async function run(
  args: readonly string[],
  serve: (scratch: string) => Promise<void> = async () => undefined,
  env: Readonly<Record<string, string>> = {},
) {
  const { context, recorded } = fakeCommandContext({ cwd, env });
  const program = new Command("imgrel").exitOverride().configureOutput({ writeErr: context.stderr });
  const seen: {
    asked?: unknown;
    own?: Parameters<ControllerPlaces["opener"]>[0];
    served?: Record<string, unknown>;
    signal?: AbortSignal;
  } = {};
  addController(program, context, {
    connect: async (_env, kubeconfig) => {
      seen.asked = kubeconfig;
      return { server: new URL("https://api.example/"), tls: {}, headers: async () => ({}), namespace: "of-the-pod" };
    },
    opener: (own) => {
      seen.own = own;
      return () => ({
        treeAt: never,
        record: never,
        nodes: never,
        suspend: never,
        work: never,
        cleanUp: never,
        sweep: never,
        letGo: never,
      });
    },
    serve: async ({ connection, listen, webhookListen, scratch }, signal) => {
      seen.served = { namespace: connection.namespace, listen, webhookListen, scratch };
      seen.signal = signal;
      await serve(scratch);
    },
  });
  await program.parseAsync(["controller", ...args], { from: "user" });
  return { ...seen, recorded, context };
}

describe("imgrel controller", () => {
  it("serves its pod's cluster and namespace, at port 8080, without webhooks", async () => {
    const { asked, own, served, signal, context, recorded } = await run(["--image", IMAGE]);
    expect(asked).toBeUndefined();
    expect(served).toMatchObject({ namespace: "of-the-pod", listen: ":8080", webhookListen: undefined });
    expect(own).toEqual({
      ...{ controllerImage: IMAGE, builderId: "https://imgrel.example/builders/k8s@v1", scratch: served?.["scratch"] },
      perturbation: null,
    });
    expect(signal).toBe(context.signal);
    expect(recorded.exitCode).toBe(0);
  });

  it("takes another cluster, namespace, folder, address and builder", async () => {
    const places = ["--kubeconfig", "config", "--namespace", "team-a", "--scratch", "work/here"];
    const addresses = ["--listen", "127.0.0.1:0", "--webhook-listen", "[::]:9090"];
    const { asked, own, served } = await run([
      ...["--image", IMAGE, ...places, ...addresses, "--builder-id", "https://a.example/builders/prod@v1"],
    ]);
    const scratch = join(cwd, "work/here");
    expect(asked).toBe(join(cwd, "config"));
    expect(served).toEqual({
      ...{ namespace: "team-a", listen: "127.0.0.1:0", webhookListen: "[::]:9090", scratch },
    });
    expect(own).toMatchObject({ builderId: "https://a.example/builders/prod@v1", scratch });
    expect((await stat(scratch)).mode & 0o777).toBe(0o700);
  });

  it("makes a private folder where none is given, and removes it, also after a fault", async () => {
    let mode = 0;
    const { served } = await run(["--image", IMAGE], async (scratch) => {
      ({ mode } = await stat(scratch));
    });
    expect(mode & 0o777).toBe(0o700);
    await expect(stat(String(served?.["scratch"]))).rejects.toMatchObject({ code: "ENOENT" });
    let folder = "";
    const lost = new ReleaseError("LeaseLost", "the lease was lost", "start again");
    const running = run(["--image", IMAGE], (scratch) => {
      folder = scratch;
      return Promise.reject(lost);
    });
    await expect(running).rejects.toBe(lost);
    await expect(stat(folder)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("builds nothing wrong on purpose because of a variable that stands in its environment by accident", async () => {
    const running = run(["--image", IMAGE], undefined, { [PERTURB_VARIABLE]: "anything" });
    await expect(running).rejects.toMatchObject({ code: "Usage" });
  });

  it.each([
    ["no image", [], /required option '--image <reference>'/],
    ["an image without a digest", ["--image", "registry.example/imgrel/controller:v1"], /has no digest, so it floats/],
    ["an image without a registry", ["--image", `imgrel@sha256:${"a".repeat(64)}`], /is not an image pinned by digest/],
    ["a port alone", ["--image", IMAGE, "--listen", "8080"], /'--listen <address>'.*is not an address to listen at/],
    ["a port that is none", ["--image", IMAGE, "--webhook-listen", ":70000"], /'--webhook-listen <address>'/],
    ["a namespace that is none", ["--image", IMAGE, "--namespace", "Team A"], /'--namespace <name>'/],
    ["a builder that is no URI", ["--image", IMAGE, "--builder-id", "prod"], /is not a builder's id/],
  ])("refuses %s", async (_what, args, why) => {
    const running = run(args);
    await expect(running).rejects.toBeInstanceOf(CommanderError);
    await expect(running).rejects.toThrow(why);
  });
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fakeCommandContext } from "../../test/fakes/command-context.ts";
import { openNamedRegistry, type RegistryOptions } from "./named-registry.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "named-registry-"));
});
afterEach(() => rm(folder, { recursive: true }));
const open = (options: RegistryOptions) => openNamedRegistry(fakeCommandContext({ cwd: folder }).context, options);

describe("the registry that is named", () => {
  it("is none, a folder, or what imgrel run was given", async () => {
    expect(await open({ offline: true })).toBeNull();
    expect((await open({ registry: "./registry", offline: true }))?.name).toBe("local/images");
    expect((await open({ registry: "registry.example:5000/os" }))?.name).toBe("registry.example:5000/os/images");
  });
  it("is a folder without a network", async () => {
    await expect(open({ registry: "registry.example/os", offline: true })).rejects.toMatchObject({
      ...{ code: "Usage", message: "--offline allows no network, which the registry registry.example/os needs" },
      remedy: expect.stringContaining("OCI image layout"),
    });
  });
  it.each<[string, RegistryOptions]>([
    ["--registry-ca", { registryCa: "ca.pem" }],
    ["--allow-http", { allowHttp: true }],
    ["--allow-private", { allowPrivate: true }],
  ])("is not left out where %s is given", async (name, options) => {
    const useless = { code: "Usage", message: `${name} says how a registry is reached, but no registry is named` };
    await expect(open(options)).rejects.toMatchObject(useless);
    await expect(open({ ...options, registry: "/srv/layout" })).rejects.toMatchObject(useless);
  });
  it.each(["registry", "https://registry.example/os", "registry.example/os:v1", "registry.example/../os"])(
    "is not %s",
    async (registry) => {
      await expect(open({ registry })).rejects.toMatchObject({
        code: "Usage",
        remedy: expect.stringMatching(/^write/),
      });
    },
  );
  it("has certificates that can be read", async () => {
    const ca = (registryCa: string) => open({ registry: "registry.example/os", registryCa });
    await expect(ca("ca.pem")).rejects.toMatchObject({ code: "InputMissing" });
    await writeFile(join(folder, "ca.pem"), "no certificate");
    await expect(ca("ca.pem")).rejects.toMatchObject({ code: "InputMissing" });
  });
});

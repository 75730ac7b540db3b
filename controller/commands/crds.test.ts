import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { fakeCommandContext } from "../../test/fakes/command-context.ts";
import { crdFiles } from "../domain/crds/crd-files.ts";
import { runProgram } from "./program.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "imgrel-crds-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function crds(...argv: string[]) {
  const { context, recorded } = fakeCommandContext({ cwd: folder });
  await runProgram(["crds", ...argv], context, [{ name: "crds", summary: "crds", load: () => import("./crds.ts") }]);
  return recorded;
}

test("prints the three kinds as one stream", async () => {
  const { stdout, exitCode } = await crds();
  const documents = parseAllDocuments(stdout).map((document) => document.toJS());
  expect(documents.map(({ kind, metadata }) => [kind, metadata.name])).toEqual([
    ["CustomResourceDefinition", "diskimagereleases.releases.powernode.io"],
    ["CustomResourceDefinition", "diskimagereleaseclasses.releases.powernode.io"],
    ["CustomResourceDefinition", "diskimagereleasesources.releases.powernode.io"],
  ]);
  expect(exitCode).toBe(0);
});

test("writes a file for each kind into a new folder, and says which", async () => {
  const { stdout } = await crds("--write", "a/crds");
  const names = [...crdFiles().keys()];
  expect(stdout).toBe(names.map((name) => `a/crds/${name}\n`).join(""));
  expect(readdirSync(join(folder, "a/crds"))).toEqual(names.toSorted());
  for (const [name, text] of crdFiles()) expect(readFileSync(join(folder, "a/crds", name), "utf8")).toBe(text);
});

test("a folder that is a file is a fault of the file system", async () => {
  writeFileSync(join(folder, "file"), "");
  await expect(crds("--write", "file")).rejects.toMatchObject({ code: "EEXIST" });
});

test("takes no argument", async () => {
  expect((await crds("surplus")).exitCode).toBe(2);
});

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { replaceLayout } from "./replace-folder.ts";

let parent = "";
beforeEach(async () => (parent = await mkdtemp(join(tmpdir(), "imgrel-replace-"))));
afterEach(() => rm(parent, { recursive: true, force: true }));

const layout = (content: string) => (fresh: string) => writeFile(join(fresh, "oci-layout"), content);

it("a layout takes the place of none, an empty folder or an older one, and leaves nothing beside it", async () => {
  const folder = join(parent, "below/images");
  for (const content of ["1", "2"]) {
    await replaceLayout(folder, layout(content));
    expect(await readFile(join(folder, "oci-layout"), "utf8")).toBe(content);
    expect(await readdir(join(parent, "below"))).toEqual(["images"]);
  }
  await mkdir(join(parent, "empty"));
  await replaceLayout(join(parent, "empty"), layout("3"));
  expect(await readdir(join(parent, "empty"))).toEqual(["oci-layout"]);
});

it("what is no layout stays", async () => {
  await writeFile(join(parent, "letter"), "");
  await expect(replaceLayout(parent, layout("1"))).rejects.toMatchObject({ code: "Usage" });
  await expect(replaceLayout(join(parent, "letter"), layout("1"))).rejects.toMatchObject({ code: "ENOTDIR" });
  expect(await readdir(parent)).toEqual(["letter"]);
});

it("an older one stays if the new one cannot be made", async () => {
  const folder = join(parent, "images");
  await replaceLayout(folder, layout("1"));
  const fault = new Error("no space");
  const failing = replaceLayout(folder, async (fresh) => {
    await layout("2")(fresh);
    throw fault;
  });
  await expect(failing).rejects.toBe(fault);
  expect(await readFile(join(folder, "oci-layout"), "utf8")).toBe("1");
  expect(await readdir(parent)).toEqual(["images"]);
});

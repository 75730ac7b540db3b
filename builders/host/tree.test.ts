import { chmod, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { treeDigest } from "./tree.ts";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "tree-"));
  await mkdir(join(root, "usr/bin"), { recursive: true });
  await writeFile(join(root, "usr/bin/tool"), "content", { mode: 0o755 });
  await symlink("usr/bin", join(root, "bin"));
});
afterEach(() => rm(root, { recursive: true }));

describe("treeDigest", () => {
  it("does not see time stamps", async () => {
    const before = await treeDigest(root);
    await utimes(join(root, "usr/bin/tool"), 1, 1);
    expect(await treeDigest(root)).toBe(before);
  });
  const changes: Record<string, () => Promise<unknown>> = {
    content: () => writeFile(join(root, "usr/bin/tool"), "Content"),
    mode: () => chmod(join(root, "usr/bin/tool"), 0o4755),
    name: () => rename(join(root, "usr/bin/tool"), join(root, "usr/bin/loot")),
    "a new file": () => writeFile(join(root, "usr/new"), ""),
    "a link's target": () => rm(join(root, "bin")).then(() => symlink("usr/sbin", join(root, "bin"))),
  };
  it.each(Object.entries(changes))("sees %s", async (_, change) => {
    const before = await treeDigest(root);
    await change();
    expect(await treeDigest(root)).not.toBe(before);
  });
});

import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeStaleLocks } from "./stale-locks.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stale-locks-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("locks of the branch and of HEAD go, at any depth; all else stays", async () => {
  await mkdir(join(folder, "refs/heads/topic"), { recursive: true });
  for (const path of ["HEAD", "HEAD.lock", "refs/heads/main", "refs/heads/main.lock", "refs/heads/topic/a.lock"]) {
    await writeFile(join(folder, path), "");
  }
  await removeStaleLocks(folder);
  const left = await readdir(folder, { recursive: true });
  expect(left.toSorted()).toEqual(["HEAD", "refs", "refs/heads", "refs/heads/main", "refs/heads/topic"]);
});

test("a repository that is not there yet is no error", async () => {
  await removeStaleLocks(join(folder, "none"));
  expect(await readdir(folder)).toEqual([]);
});

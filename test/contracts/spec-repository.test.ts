import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { accessTo } from "../../controller/adapters/git/remote-access.ts";
import { gitOn } from "../../controller/adapters/git/git.ts";
import { mirroredBranch, openMirror, writeTrustingConfig } from "../../controller/adapters/git/mirror.ts";
import { specRepository } from "../../controller/adapters/git/spec-repository.ts";
import { fakeSpecRepository } from "../fakes/spec-repository.ts";
import { openOwn, REPOSITORY_OPTIONS } from "../repositories.ts";
import { specRepositoryContract } from "./spec-repository-contract.ts";

let folder = "";
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

specRepositoryContract("the fake", async () => fakeSpecRepository());
specRepositoryContract("a bare git repository", async () => {
  count += 1;
  return (await openOwn(join(folder, `${count}`, "repository.git"))).specs;
});
specRepositoryContract("a branch of a remote repository", async () => {
  count += 1;
  const address = join(folder, `${count}`, "remote.git");
  await gitOn(null).run(["init", "--quiet", "--bare", address]);
  const trustingConfig = await writeTrustingConfig(join(folder, `${count}`));
  const access = accessTo({ scheme: "file", address }, { trustingConfig });
  const mirror = await openMirror(join(folder, `${count}`, "mirror.git"), address, access);
  return specRepository(mirroredBranch(mirror, "main", false), REPOSITORY_OPTIONS);
});

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { openSpecRepository } from "../../controller/adapters/git/spec-repository.ts";
import { fakeSpecRepository } from "../fakes/spec-repository.ts";
import { specRepositoryContract } from "./spec-repository-contract.ts";

let folder = "";
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

specRepositoryContract("the fake", async () => fakeSpecRepository());
specRepositoryContract("a bare git repository", () => {
  count += 1;
  return openSpecRepository({
    directory: join(folder, `${count}`, "repository.git"),
    branch: "main",
    author: { name: "imgrel", email: "imgrel@localhost" },
    pause: () => 1,
  });
});

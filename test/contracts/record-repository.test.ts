import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { fakeBranch } from "../fakes/commit-history.ts";
import { fakeRecordRepository } from "../fakes/record-repository.ts";
import { messagesOf, makeRemote, openOwn, openRemote } from "../repositories.ts";
import { recordRepositoryContract } from "./record-repository-contract.ts";

let folder = "";
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A path that nothing has yet. */
const fresh = (name: string) => {
  count += 1;
  return join(folder, `${count}`, name);
};

recordRepositoryContract("the fake", async () => {
  const branch = fakeBranch();
  return {
    records: fakeRecordRepository(branch),
    rival: fakeRecordRepository(branch),
    messages: async () => branch.log().map(({ message }) => message),
  };
});

recordRepositoryContract("a bare git repository", async () => {
  const directory = fresh("repository.git");
  const { records } = await openOwn(directory);
  return { records, rival: (await openOwn(directory)).records, messages: () => messagesOf(directory) };
});

recordRepositoryContract("a branch of a remote repository", async () => {
  const address = await makeRemote(fresh("remote.git"));
  const { records } = await openRemote(address, fresh("mirrors"));
  const { records: rival } = await openRemote(address, fresh("mirrors"));
  return { records, rival, messages: () => messagesOf(address) };
});

import { describe, expect, it } from "vitest";
import { fakeSpecRepository } from "../../test/fakes/spec-repository.ts";
import { OWN_POLICY } from "../domain/policy-file.ts";
import { keepOwnPolicy } from "./keep-own-policy.ts";

const text = async (repository: ReturnType<typeof fakeSpecRepository>) => {
  const content = await (await repository.tip()).readFile(OWN_POLICY);
  return content === null ? null : new TextDecoder().decode(content);
};
/** Somebody's own commit. */
const write = (repository: ReturnType<typeof fakeSpecRepository>, content: string | null) =>
  repository.commit(async () => ({ changes: [{ path: OWN_POLICY, content }], message: "Mine" }));

describe("the policy of a repository", () => {
  it("is committed once, whatever a later one says", async () => {
    const repository = fakeSpecRepository();
    expect(await keepOwnPolicy(repository, "first\n")).toBe(true);
    expect(await keepOwnPolicy(repository, "first\n")).toBe(false);
    expect(await keepOwnPolicy(repository, "second\n")).toBe(false);
    expect(await text(repository)).toBe("first\n");
    expect(repository.log().map(({ message }) => message)).toEqual([
      "Add policy/verify.yaml: whom imgrel verify believes\n",
    ]);
  });
  it("stays as somebody else wrote it, and stays away where it was removed", async () => {
    const repository = fakeSpecRepository();
    await write(repository, "theirs\n");
    expect(await keepOwnPolicy(repository, "ours\n")).toBe(false);
    expect(await text(repository)).toBe("theirs\n");
    await write(repository, null);
    expect(await keepOwnPolicy(repository, "ours\n")).toBe(false);
    expect(await text(repository)).toBeNull();
  });
  it("is not lost, nor anything else, where another writer is faster", async () => {
    const repository = fakeSpecRepository();
    const raced = {
      ...repository,
      commit: (propose: Parameters<typeof repository.commit>[0]) =>
        repository.commit(async (tip) => {
          const proposal = await propose(tip);
          if (repository.log().length === 0) await write(repository, "theirs\n");
          return proposal;
        }),
    };
    expect(await keepOwnPolicy(raced, "ours\n")).toBe(false);
    expect(await text(repository)).toBe("theirs\n");
  });
});

import { describe, expect, it } from "vitest";
import { demoFolder } from "../../../test/fakes/cluster-objects.ts";
import { demoToolchainLock } from "../../../test/fakes/job-context.ts";
import { LOCK } from "../../../test/fakes/locked-image.ts";
import { toolchainDigest, toolchainFiles } from "../../domain/toolchain-locks.ts";
import { committedToolchains } from "./committed-toolchains.ts";

const toolchain = demoToolchainLock("amd64");
const toolchains = new Map([["amd64" as const, toolchain]]);
const text = toolchainFiles(toolchains).get("toolchain/lock.amd64.json") ?? "";
const folder = {
  ...demoFolder(),
  locks: new Map([["amd64" as const, { ...LOCK, toolchain: toolchainDigest(toolchains, "amd64") }]]),
};
const contents = (...texts: string[]) => ({
  everyContentOf: async (path: string) =>
    path === "toolchain/lock.amd64.json" ? texts.map((one) => new TextEncoder().encode(one)) : [],
});

describe("the toolchains of a release", () => {
  it("are found among all that their file ever was", async () => {
    const found = await committedToolchains(contents("{}", text), folder);
    expect([...found]).toEqual([["amd64", toolchain]]);
  });
  it("are refused where the repository never had the one that the lock names", async () => {
    await expect(committedToolchains(contents("{}"), folder)).rejects.toMatchObject({
      code: "ToolchainMismatch",
      message: expect.stringContaining("toolchain/lock.amd64.json never was") as string,
    });
  });
});

import { describe, expect, it } from "vitest";
import { clusterClass } from "../../test/fakes/cluster-objects.ts";
import { demoJobContext } from "../../test/fakes/job-context.ts";
import { podBase } from "./jobs/job-frame.ts";
import { type NodeLabels, preflight, type Wanted } from "./preflight.ts";

const node = (name: string, arch: string, more: NodeLabels = {}): NodeLabels => ({
  ...{ "kubernetes.io/arch": arch, "kubernetes.io/hostname": name },
  ...more,
});
const wanted = (over: { readonly build?: object; readonly gate?: object } = {}, rest: Partial<Wanted> = {}): Wanted => {
  const { spec } = clusterClass();
  const of = { build: { ...spec.build, ...over.build }, gate: { ...spec.gate, ...over.gate } };
  return { arches: ["amd64"], runs: 2, class: of, ...rest };
};

describe("a release", () => {
  it("may be built where a node has the labels that its pods ask for", () => {
    expect(preflight([node("a", "amd64")], wanted())).toBeNull();
    const pool = { nodeSelector: { pool: "fast" } };
    expect(preflight([node("a", "amd64"), node("b", "amd64", { pool: "fast" })], wanted({ build: pool }))).toBeNull();
  });
  it("is refused where no node has its architecture, of which each is named", () => {
    const both = wanted({}, { arches: ["amd64", "arm64"] });
    expect(preflight([node("a", "amd64")], both)).toEqual({
      ...{ type: "Admitted", reason: "NoNodeForArch" },
      message: "no node can build for arm64: there is none with kubernetes.io/arch=arm64 among 1 node",
    });
    expect(preflight([], both)?.message.split("; ")).toHaveLength(2);
  });
  it("is refused where no node has all labels that its class asks for", () => {
    const nodes = [node("a", "amd64"), node("b", "arm64", { pool: "fast" })];
    expect(preflight(nodes, wanted({ build: { nodeSelector: { pool: "fast" } } }))).toMatchObject({
      reason: "NoNodeForArch",
      message: expect.stringMatching(
        /there is none with pool=fast, kubernetes.io\/arch=amd64 among 2 nodes$/,
      ) as string,
    });
  });
  it("may be built on any node where its class allows emulation", () => {
    const emulated = wanted({ build: { emulation: "Allow" } }, { arches: ["arm64"] });
    expect(preflight([node("a", "amd64")], emulated)).toBeNull();
    expect(preflight([], emulated)?.message).toBe(
      "no node can build for arm64: there is none with any labels among 0 nodes",
    );
  });
  it("whose runs must be spread is refused where there are fewer nodes than runs", () => {
    const spread = wanted({ gate: { spread: "Require" } });
    const nodes = [node("a", "amd64"), node("b", "arm64")];
    expect(preflight(nodes, spread)).toEqual({
      ...{ type: "Admitted", reason: "NotEnoughNodes" },
      message: "2 runs of amd64 must be on different nodes: there is 1 node with kubernetes.io/arch=amd64",
    });
    expect(preflight([...nodes, node("c", "amd64")], spread)).toBeNull();
    expect(preflight([...nodes, node("c", "amd64")], { ...spread, runs: 3 })).toMatchObject({
      message: expect.stringContaining("there are 2 nodes with") as string,
    });
    expect(preflight(nodes, wanted({ gate: { spread: "Prefer" } }))).toBeNull();
  });
  it("is not spread over nodes that the scheduler cannot tell apart", () => {
    const alike = [node("a", "amd64"), node("a", "amd64"), { "kubernetes.io/arch": "amd64" }];
    expect(preflight(alike, wanted({ gate: { spread: "Require" } }))?.reason).toBe("NotEnoughNodes");
  });
});

it.each(["Forbid", "Allow"] as const)("asks for the very labels that pods ask for (emulation: %s)", (emulation) => {
  const build = { nodeSelector: { pool: "fast" }, emulation };
  const { nodeSelector } = podBase({ ...demoJobContext().settings, ...build }, "arm64");
  const asking = wanted({ build }, { arches: ["arm64"] });
  expect(preflight([nodeSelector], asking)).toBeNull();
  for (const key of Object.keys(nodeSelector)) {
    const { [key]: _, ...less } = nodeSelector;
    expect([key, preflight([less], asking)?.reason]).toEqual([key, "NoNodeForArch"]);
  }
});

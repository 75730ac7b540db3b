import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ObservedArch, type PinState, planRefresh } from "./refresh.ts";

const held: PinState = { kind: "held" };
const absent: PinState = { kind: "absent" };
const gone: PinState = { kind: "gone", pins: ["bash 5.2-1 amd64"] };
const amd64 = (release: PinState, toolchain: PinState, toolchainNamed = true): ObservedArch => {
  return { arch: "amd64", release, toolchain, toolchainNamed };
};

const TOOLCHAIN = { kind: "make-toolchain-lock", arch: "amd64" };
const FIRST = { kind: "make-first-lock", arch: "amd64" };
const BUMP = { kind: "bump-release", arches: ["amd64"] };
const RENAME = { kind: "rename-toolchain", arches: ["amd64"] };

describe("the plan of a refresh, for one architecture", () => {
  it.each([
    ["nothing is gone", amd64(held, held), []],
    ["pins of the release are gone", amd64(gone, held), [BUMP]],
    ["pins of the toolchain are gone", amd64(held, gone), [TOOLCHAIN, RENAME]],
    ["pins of both are gone", amd64(gone, gone), [TOOLCHAIN, BUMP]],
    ["the release names another toolchain", amd64(held, held, false), [RENAME]],
    ["pins of the toolchain are gone, and the release names another", amd64(held, gone, false), [TOOLCHAIN, RENAME]],
    ["pins of the release are gone, and it names another toolchain", amd64(gone, held, false), [BUMP]],
    ["pins of both are gone, and the release names another toolchain", amd64(gone, gone, false), [TOOLCHAIN, BUMP]],
    ["the release has no lock", amd64(absent, held, false), [FIRST]],
    ["the release has no lock, and pins of the toolchain are gone", amd64(absent, gone, false), [TOOLCHAIN, FIRST]],
    ["neither has a lock", amd64(absent, absent, false), [TOOLCHAIN, FIRST]],
    ["the toolchain has no lock", amd64(held, absent, false), [TOOLCHAIN, RENAME]],
    ["the toolchain has no lock, and pins of the release are gone", amd64(gone, absent, false), [TOOLCHAIN, BUMP]],
  ])("when %s", (_, observed, plan) => {
    expect(planRefresh([observed])).toEqual(plan);
  });
});

describe("the plan of a refresh, for two architectures", () => {
  const arm64 = (release: PinState, toolchain: PinState, toolchainNamed = true): ObservedArch => {
    return { arch: "arm64", release, toolchain, toolchainNamed };
  };

  it("bumps both where pins of one are gone", () => {
    expect(planRefresh([amd64(held, held), arm64(gone, held)])).toEqual([
      { kind: "bump-release", arches: ["amd64", "arm64"] },
    ]);
    expect(planRefresh([amd64(absent, gone, false), arm64(gone, held)])).toEqual([
      TOOLCHAIN,
      { kind: "bump-release", arches: ["amd64", "arm64"] },
    ]);
  });

  it("lets only the locks whose toolchain is new name it", () => {
    expect(planRefresh([amd64(held, gone), arm64(held, held)])).toEqual([TOOLCHAIN, RENAME]);
    expect(planRefresh([amd64(held, gone), arm64(absent, held, false)])).toEqual([
      TOOLCHAIN,
      { kind: "make-first-lock", arch: "arm64" },
      RENAME,
    ]);
  });
});

describe("any plan of a refresh", () => {
  const state = fc.constantFrom(held, absent, gone);
  const observedArch = (arch: "amd64" | "arm64") =>
    fc
      .record({ arch: fc.constant(arch), release: state, toolchain: state, toolchainNamed: fc.boolean() })
      .filter(({ release, toolchain, toolchainNamed }) => {
        return !toolchainNamed || (release.kind !== "absent" && toolchain.kind !== "absent");
      });
  const observed = fc
    .tuple(observedArch("amd64"), observedArch("arm64"), fc.integer({ min: 1, max: 2 }))
    .map(([first, second, count]): ObservedArch[] => [first, second].slice(0, count));

  it("leaves nothing to do once it is done", () => {
    fc.assert(
      fc.property(observed, (before) => {
        const plan = planRefresh(before);
        const after = before.map((one): ObservedArch => {
          const made = plan.some((action) => action.kind === "make-toolchain-lock" && action.arch === one.arch);
          const locked = plan.some(
            (action) =>
              (action.kind === "make-first-lock" && action.arch === one.arch) ||
              ((action.kind === "bump-release" || action.kind === "rename-toolchain") &&
                action.arches.includes(one.arch)),
          );
          const renews = plan.some(
            (action) => action.kind !== "rename-toolchain" && action.kind !== "make-toolchain-lock",
          );
          return {
            arch: one.arch,
            toolchain: made ? held : one.toolchain,
            release: locked && (renews || one.release.kind === "held") ? held : one.release,
            toolchainNamed: locked || (one.toolchainNamed && !made),
          };
        });
        expect(planRefresh(after)).toEqual([]);
      }),
    );
  });

  it("makes each lock at most once, toolchains first, and moves the version at most once", () => {
    fc.assert(
      fc.property(observed, (before) => {
        const plan = planRefresh(before);
        const touched = plan.flatMap((action): readonly string[] => {
          if (action.kind === "make-toolchain-lock") return [`toolchain ${action.arch}`];
          return action.kind === "make-first-lock" ? [action.arch] : action.arches;
        });
        expect(new Set(touched).size).toBe(touched.length);
        const order = plan.map(({ kind }) => (kind === "make-toolchain-lock" ? 0 : kind === "make-first-lock" ? 1 : 2));
        expect(order).toEqual(order.toSorted((a, b) => a - b));
        expect(order.filter((rank) => rank === 2).length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("changes nothing of a release whose pins are all held and named", () => {
    fc.assert(
      fc.property(fc.constantFrom<"amd64" | "arm64">("amd64", "arm64"), (arch) => {
        expect(planRefresh([{ arch, release: held, toolchain: held, toolchainNamed: true }])).toEqual([]);
      }),
    );
  });
});

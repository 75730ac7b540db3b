import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findCycles, structureFaults } from "./arrows.ts";
import { parseModule, readModules, type SourceModule } from "./module-graph.ts";

const PROJECT = new URL("..", import.meta.url).pathname;

const module = (path: string, ...imports: string[]): SourceModule => ({ path, lines: 100, imports, isBarrel: false });

test("the project keeps its import arrows, names and sizes", async () => {
  const modules = await readModules(PROJECT, ["controller", "builders", "test"]);
  expect(modules.length).toBeGreaterThan(20);
  expect(structureFaults(modules)).toEqual([]);
});

describe("an import is allowed", () => {
  test.each([
    ["controller/main.ts", "./commands/table.ts"],
    ["controller/commands/run.ts", "../wiring.ts"],
    ["controller/wiring.ts", "./adapters/git/records.ts"],
    ["controller/adapters/git/records.ts", "../../ports/record-repository.ts"],
    ["controller/adapters/git/records.ts", "../../../builders/host/exec.ts"],
    ["controller/adapters/git/records.ts", "simple-git"],
    ["controller/reconciler/observe.ts", "../ports/clock.ts"],
    ["controller/ports/clock.ts", "../domain/release.ts"],
    ["controller/domain/steps/lock.ts", "../errors.ts"],
    ["controller/domain/release.ts", "../../builders/contract/variant.ts"],
    ["controller/domain/release.ts", "zod"],
    ["controller/domain/release.test.ts", "../../test/fakes/clock.ts"],
    ["controller/domain/release.test.ts", "../../test/contracts/bad-documents.ts"],
    ["controller/domain/release.test.ts", "node:fs/promises"],
    ["builders/main.ts", "./build.ts"],
    ["builders/build.ts", "./variants/registry.ts"],
    ["builders/variants/uki.ts", "../steps/root.ts"],
    ["builders/steps/root.ts", "../host/exec.ts"],
    ["builders/steps/disk.ts", "../readers/gpt.ts"],
    ["builders/boot/boot.ts", "../readers/gpt.ts"],
    ["builders/readers/gpt.ts", "../host/files.ts"],
    ["builders/readers/cpio-reader.test.ts", "../steps/cpio.ts"],
    ["controller/adapters/local/inspect.ts", "../../../builders/readers/inspect.ts"],
    ["builders/host/exec.ts", "node:child_process"],
    ["builders/contract/digest.ts", "node:crypto"],
    ["test/integration/lock.test.ts", "../../controller/commands/lock.ts"],
  ])("%s -> %s", (path, specifier) => {
    expect(structureFaults([module(path, specifier)])).toEqual([]);
  });
});

describe("an import is refused", () => {
  test.each([
    ["controller/main.ts", "./adapters/git/records.ts"],
    ["controller/commands/run.ts", "../adapters/git/records.ts"],
    ["controller/wiring.ts", "./commands/run.ts"],
    ["controller/adapters/git/records.ts", "../../reconciler/loop.ts"],
    ["controller/adapters/local/jobs.ts", "../../../builders/steps/root.ts"],
    ["controller/reconciler/act.ts", "../adapters/git/records.ts"],
    ["controller/reconciler/act.ts", "node:fs"],
    ["controller/ports/clock.ts", "../adapters/clock.ts"],
    ["controller/ports/clock.ts", "../../builders/host/exec.ts"],
    ["controller/domain/release.ts", "../ports/clock.ts"],
    ["controller/domain/release.ts", "../../builders/host/files.ts"],
    ["controller/domain/release.ts", "node:fs"],
    ["controller/domain/release.ts", "pino"],
    ["controller/domain/release.ts", "../../test/fakes/clock.ts"],
    ["controller/domain/release.ts", "../../test/contracts/bad-documents.ts"],
    ["controller/domain/release.test.ts", "../adapters/logger.ts"],
    ["controller/domain/release.test.ts", "../../test/integration/archive.ts"],
    ["builders/build.ts", "../controller/domain/errors.ts"],
    ["builders/build.ts", "pino"],
    ["builders/variants/uki.ts", "../build.ts"],
    ["builders/steps/root.ts", "../variants/uki.ts"],
    ["builders/boot/qemu.ts", "../steps/root.ts"],
    ["builders/readers/gpt.ts", "../steps/root.ts"],
    ["builders/readers/gpt.ts", "zod"],
    ["builders/host/files.ts", "../readers/gpt.ts"],
    ["controller/domain/release.ts", "../../builders/readers/gpt.ts"],
    ["controller/commands/inspect.ts", "../../builders/readers/inspect.ts"],
    ["builders/host/files.ts", "../steps/root.ts"],
    ["builders/host/files.ts", "zod"],
    ["builders/contract/digest.ts", "../host/files.ts"],
    ["builders/contract/digest.ts", "node:fs"],
    ["builders/contract/digest.ts", "../../controller/domain/release.ts"],
    ["builders/steps/tool.ts", "node:child_process"],
    ["builders/steps/tool.test.ts", "node:child_process"],
    ["test/integration/lock.test.ts", "child_process"],
    ["controller/commands/run.ts", "(computed)"],
    ["controller/commands/run.ts", "../../docs/example.ts"],
  ])("%s -> %s", (path, specifier) => {
    const faults = structureFaults([module(path, specifier)]);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(`${path} imports ${specifier}: `);
  });
});

describe("a file is refused", () => {
  test.each([
    ["for its place", { ...module("controller/extras/a.ts") }, "no room"],
    ["for its place at the top", { ...module("builders/extra.ts") }, "no room"],
    ["as utils", { ...module("controller/domain/utils.ts") }, "one job"],
    ["as a kind of helpers", { ...module("builders/steps/apt-helpers.ts") }, "one job"],
    ["as index", { ...module("controller/ports/index.ts") }, "one job"],
    ["as types", { ...module("controller/domain/types.ts") }, "one job"],
    ["for camel case", { ...module("builders/steps/rootImage.ts") }, "kebab-case"],
    ["for its length", { ...module("builders/steps/root.ts"), lines: 401 }, "two jobs"],
    ["as a barrel", { ...module("controller/domain/all.ts"), isBarrel: true }, "passes on"],
  ])("%s", (_, fault, word) => {
    expect(structureFaults([fault])).toEqual([expect.stringContaining(word)]);
  });

  test("not at exactly 400 lines", () => {
    expect(structureFaults([{ ...module("builders/steps/root.ts"), lines: 400 }])).toEqual([]);
  });
});

describe("cycles", () => {
  test("are named as a path, also through type imports and tests", () => {
    const modules = [
      module("builders/steps/a.ts", "./b.ts"),
      module("builders/steps/b.ts", "../host/exec.ts", "./c.ts"),
      module("builders/steps/c.ts", "./a.ts"),
    ];
    expect(structureFaults(modules)).toEqual([
      "import cycle: builders/steps/a.ts -> builders/steps/b.ts -> builders/steps/c.ts -> builders/steps/a.ts",
    ]);
  });

  test("of one file are found", () => {
    expect(findCycles([module("a.ts", "./a.ts")])).toEqual(["a.ts -> a.ts"]);
  });

  test("are found exactly when one exists", () => {
    const sizes = fc.integer({ min: 1, max: 12 });
    const pairs = fc.array(fc.tuple(fc.nat(11), fc.nat(11)), { maxLength: 30 });
    fc.assert(
      fc.property(sizes, pairs, fc.boolean(), (size, raw, onlyForward) => {
        const edges = raw
          .map(([from, to]) => [from % size, to % size] as const)
          .filter(([from, to]) => !onlyForward || from < to);
        const modules = Array.from({ length: size }, (_, from) =>
          module(`m${from}.ts`, ...edges.filter(([source]) => source === from).map(([, to]) => `./m${to}.ts`)),
        );
        // reachability by repeated relaxation: another algorithm for the same question
        const reaches = Array.from({ length: size }, (_, a) =>
          Array.from({ length: size }, (__, b) => edges.some(([from, to]) => from === a && to === b)),
        );
        for (let via = 0; via < size; via++) {
          for (const row of reaches) {
            if (row[via] === true) for (let to = 0; to < size; to++) row[to] ||= reaches[via]?.[to] ?? false;
          }
        }
        expect(findCycles(modules).length > 0).toBe(reaches.some((row, at) => row[at]));
      }),
    );
  });
});

describe("the reader of imports", () => {
  const imports = (...lines: string[]) => parseModule("a.ts", lines.join("\n")).imports;

  test("sees every form of import", () => {
    expect(
      imports(
        `import a from "a";`,
        `import type { B } from "./b.ts";`,
        `import "c";`,
        `export { d } from "d";`,
        `export * from "e";`,
        `type F = import("f").F;`,
        `const g = async () => await import("g");`,
        `const h = (name: string) => import(name);`,
      ),
    ).toEqual(["a", "./b.ts", "c", "d", "e", "f", "g", "(computed)"]);
  });

  test("does not take text for imports", () => {
    expect(imports(`// import a from "a";`, `const text = 'import b from "b"';`)).toEqual([]);
  });

  test("counts lines as editors do", () => {
    expect(parseModule("a.ts", "const a = 1;\nconst b = 2;\n").lines).toBe(2);
    expect(parseModule("a.ts", "const a = 1;\nconst b = 2;").lines).toBe(2);
  });

  test("knows a barrel from a module", () => {
    const isBarrel = (...lines: string[]) => parseModule("a.ts", lines.join("\n")).isBarrel;
    expect(isBarrel(`export * from "./b.ts";`)).toBe(true);
    expect(isBarrel(`import { b } from "./b.ts";`, "export { b };")).toBe(true);
    expect(isBarrel(`export { b } from "./b.ts";`, "export const a = 1;")).toBe(false);
    expect(isBarrel(`import { run } from "./b.ts";`, "run();")).toBe(false);
  });

  test("refuses what is not TypeScript", () => {
    expect(() => parseModule("a.ts", "const const")).toThrow("Parse failed");
  });
});

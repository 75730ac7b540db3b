import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { GOOD_CLASS, GOOD_RELEASE, GOOD_SOURCE } from "../../test/contracts/bad-documents.ts";
import { fakeCommandContext } from "../../test/fakes/command-context.ts";
import { editorSchemas } from "../domain/editor-schemas.ts";
import { runProgram } from "./program.ts";

const PROJECT = join(import.meta.dirname, "../..");
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "imgrel-lint-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (path: string, text: string | Uint8Array): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};

async function lint(...argv: string[]) {
  const { context, recorded } = fakeCommandContext({ cwd: folder });
  const load = () => import("./lint.ts");
  await runProgram(["lint", ...argv], context, [{ name: "lint", summary: "lint", load }]);
  return {
    lines: recorded.stdout.split("\n").slice(0, -1),
    summary: recorded.stderr.trimEnd(),
    exit: recorded.exitCode,
  };
}

test("a folder of specs without a mistake", async () => {
  write("specs/noble-1/release.yaml", GOOD_RELEASE);
  expect(await lint()).toEqual({ lines: [], summary: "1 document, 0 locks: no problems", exit: 0 });
});

test("the project's own documents and locks", async () => {
  cpSync(join(PROJECT, "specs"), join(folder, "specs"), { recursive: true });
  cpSync(join(PROJECT, "deploy"), join(folder, "deploy"), { recursive: true });
  const { lines, exit } = await lint("specs", "deploy");
  expect({ lines, exit }).toEqual({ lines: [], exit: 0 });
});

test("each problem of each file on a line of its own, in order; the exit code is 2", async () => {
  write("specs/b/release.yaml", GOOD_RELEASE.replace("noble-1", "b").replace("builds: 2", "builds: 1"));
  write("specs/a/release.yaml", GOOD_RELEASE.replace("noble-1", "a").replace('"2026.11.23-1"', "2026.11"));
  expect(await lint()).toEqual({
    lines: [
      'specs/a/release.yaml:6:12: spec.version: 2026.11 without quotes is a number, not text (quote it: "2026.11")',
      "specs/b/release.yaml:27:11: spec.builds: 1 is not at least 2 (write a whole number from 2 to 5)",
    ],
    summary: "0 documents, 0 locks: 2 problems",
    exit: 2,
  });
});

test("-o json", async () => {
  write("specs/noble-1/release.yaml", GOOD_RELEASE);
  write("specs/x/release.yaml", "");
  const { lines, summary, exit } = await lint("-o", "json");
  expect({ summary, exit }).toEqual({ summary: "", exit: 2 });
  expect(JSON.parse(lines.join("\n"))).toEqual({
    documents: [{ file: "specs/noble-1/release.yaml", kind: "DiskImageRelease", name: "noble-1" }],
    locks: [],
    missing: [],
    problems: [
      {
        file: "specs/x/release.yaml",
        line: 1,
        column: 1,
        path: "",
        message: "is empty",
        remedy: "write a document; specs/README.md shows one",
      },
    ],
  });
});

describe("exit code 4", () => {
  test("a path that does not exist, whatever else is wrong", async () => {
    write("a.yaml", "");
    expect(await lint("nowhere", "a.yaml", "a.yaml/b")).toEqual({
      lines: [
        "nowhere:1:1: no such file or folder (name what exists, or run imgrel where it does)",
        "a.yaml/b:1:1: no such file or folder (name what exists, or run imgrel where it does)",
        "a.yaml:1:1: is empty (write a document; specs/README.md shows one)",
      ],
      summary: "0 documents, 0 locks: 3 problems",
      exit: 4,
    });
  });

  test("no specs where none are named", async () => {
    expect((await lint()).exit).toBe(4);
  });

  test("a folder that holds nothing of ours", async () => {
    write("other/pod.yaml", "apiVersion: v1\nkind: Pod\n");
    const { lines, exit } = await lint("other");
    expect(lines).toEqual(["other:1:1: holds no document of ours (name the folder that holds specs)"]);
    expect(exit).toBe(4);
  });
});

describe("what a folder is searched for", () => {
  test("classes and sources in any YAML file, other kinds of YAML left alone", async () => {
    write("deploy/class.yaml", GOOD_CLASS);
    write("deploy/deep/source.yml", GOOD_SOURCE);
    write("deploy/pod.yaml", "apiVersion: v1\nkind: Pod\n---\n*x\n");
    write("deploy/notes.txt", GOOD_CLASS);
    expect((await lint("deploy")).summary).toBe("2 documents, 0 locks: no problems");
  });

  test("not hidden folders, not node_modules", async () => {
    write("d/.git/class.yaml", "apiVersion: releases.powernode.io/v1alpha1\n");
    write("d/node_modules/class.yaml", "apiVersion: releases.powernode.io/v1alpha1\n");
    expect((await lint("d")).exit).toBe(4);
  });

  test.each([
    'apiVersion: "releases.powernode.io/v2"\n',
    "{apiVersion: releases.powernode.io/v1alpha1, kind: [}",
    "kind: x\n  apiVersion: releases.powernode.io/v1alpha1\n",
  ])("a document of ours that is broken: %j", async (text) => {
    write("d/x.yaml", text);
    expect((await lint("d")).exit).toBe(2);
  });

  test("a release in a file that no source reads", async () => {
    write("specs/noble-1.yaml", GOOD_RELEASE);
    expect((await lint()).lines).toEqual([
      "specs/noble-1.yaml:2:7: kind: no source reads a release from this file (move it to noble-1/release.yaml)",
    ]);
    expect(await lint("specs/noble-1.yaml")).toMatchObject({ lines: [], exit: 0 });
  });

  test("symbolic links are named, not followed", async () => {
    write("noble-1.yaml", GOOD_RELEASE);
    mkdirSync(join(folder, "specs/noble-1"), { recursive: true });
    symlinkSync("../../noble-1.yaml", join(folder, "specs/noble-1/release.yaml"));
    expect((await lint()).lines).toContain(
      "specs/noble-1/release.yaml:1:1: is not a plain file, and a source follows no links (put the file itself here)",
    );
  });

  test("a file named twice is checked once", async () => {
    write("specs/noble-1/release.yaml", GOOD_RELEASE);
    expect((await lint("specs", "specs/noble-1", "./specs/noble-1/release.yaml")).summary).toMatch(/^1 document,/);
  });
});

describe("a release and its folder", () => {
  test("must have one name", async () => {
    write("specs/other/release.yaml", GOOD_RELEASE);
    expect(await lint()).toMatchObject({
      lines: [
        "specs/other/release.yaml:4:9: metadata.name: the folder is other (rename the folder to noble-1, or write other)",
      ],
      exit: 2,
    });
  });

  test("release.yaml holds a release", async () => {
    write("specs/stable/release.yaml", GOOD_CLASS);
    expect((await lint()).lines).toEqual([
      "specs/stable/release.yaml:2:7: kind: release.yaml must hold a DiskImageRelease (give this document another file name)",
    ]);
  });
});

describe("locks", () => {
  const demo = readFileSync(join(PROJECT, "specs/demo/release.yaml"), "utf8");
  const lock = readFileSync(join(PROJECT, "specs/demo/lock.amd64.json"), "utf8");

  test("of the release", async () => {
    write("specs/demo/release.yaml", demo);
    write("specs/demo/lock.amd64.json", lock);
    expect(await lint()).toEqual({ lines: [], summary: "1 document, 1 lock: no problems", exit: 0 });
  });

  test("of another kernel, of another architecture, of none", async () => {
    write("specs/demo/release.yaml", demo.replace(/linux-image-[^\n]*/, "linux-image-6.8.0-45-generic"));
    write("specs/demo/lock.amd64.json", lock);
    write("specs/demo/lock.arm64.json", lock);
    write("specs/demo/lock.riscv64.json", lock);
    const { lines, exit } = await lint();
    expect(exit).toBe(2);
    expect(lines.map((line) => line.replace(/:[0-9]+:[0-9]+:/, ":"))).toEqual([
      "specs/demo/lock.amd64.json: packages: lacks the spec's kernel package linux-image-6.8.0-45-generic (run imgrel lock specs/demo)",
      "specs/demo/lock.arm64.json: arch: is for amd64, but the file's name says arm64 (run imgrel lock specs/demo)",
      "specs/demo/lock.arm64.json: arch: no target is for arm64, so this lock would only change the release's digest (run imgrel lock specs/demo)",
      "specs/demo/lock.riscv64.json: is a lock of no architecture we know (rename or remove it)",
    ]);
  });

  test("that are no plain files", async () => {
    write("specs/demo/release.yaml", demo);
    mkdirSync(join(folder, "specs/demo/lock.amd64.json"));
    expect((await lint()).lines).toEqual([expect.stringContaining("lock.amd64.json:1:1: is not a plain file")]);
  });
});

describe("files that are no text", () => {
  test("another encoding", async () => {
    write("specs/noble-1/release.yaml", Uint8Array.of(0x61, 0xff, 0x0a));
    expect((await lint()).lines).toEqual([
      "specs/noble-1/release.yaml:1:1: is not UTF-8 text (save the file as UTF-8)",
    ]);
  });

  test("a lock in another encoding", async () => {
    write("specs/noble-1/release.yaml", GOOD_RELEASE);
    write("specs/noble-1/lock.amd64.json", Uint8Array.of(0xff));
    expect(await lint()).toMatchObject({
      lines: ["specs/noble-1/lock.amd64.json:1:1: is not UTF-8 text (save the file as UTF-8)"],
      summary: "1 document, 0 locks: 1 problem",
    });
  });

  test("a file of 33 MiB is not read", async () => {
    write("specs/noble-1/release.yaml", "");
    truncateSync(join(folder, "specs/noble-1/release.yaml"), 33 * 1024 * 1024);
    expect((await lint()).lines).toEqual([expect.stringContaining("has 34603008 bytes")]);
  });
});

test("--write-schema writes the schemas and checks nothing", async () => {
  const { lines, exit } = await lint("--write-schema", "out/schema");
  expect({ names: lines.map((line) => line.replace(folder, "")), exit }).toEqual({
    names: ["/out/schema/release.schema.json", "/out/schema/class.schema.json", "/out/schema/source.schema.json"],
    exit: 0,
  });
  for (const [name, text] of editorSchemas()) expect(readFileSync(join(folder, "out/schema", name), "utf8")).toBe(text);
});

test("an interrupt ends it", async () => {
  write("specs/noble-1/release.yaml", GOOD_RELEASE);
  const { context } = fakeCommandContext({ cwd: folder, signal: AbortSignal.abort(new Error("interrupted")) });
  const run = runProgram(["lint"], context, [{ name: "lint", summary: "lint", load: () => import("./lint.ts") }]);
  await expect(run).rejects.toThrow("interrupted");
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import {
  badDocuments,
  type Corpus,
  FULL_CLASS,
  FULL_SOURCE,
  GOOD_CLASS,
  GOOD_RELEASE,
  GOOD_SOURCE,
} from "../../test/contracts/bad-documents.ts";
import { anything, replaceAt } from "../../test/fakes/near-documents.ts";
import { readDocument, requireDocument } from "./documents.ts";
import { ReleaseError } from "./errors.ts";
import { formatProblem } from "./problem.ts";

const problemsOf = (text: string): string[] => {
  const result = readDocument(text, "f");
  return result.ok ? [] : result.problems.map((problem) => formatProblem(problem).replace(/^f:/, ""));
};

const documentOf = (text: string): unknown => {
  const result = readDocument(text, "f");
  return result.ok ? result.document : problemsOf(text);
};

test.each([
  ["DiskImageRelease", GOOD_RELEASE],
  ["DiskImageReleaseClass", GOOD_CLASS],
  ["DiskImageReleaseSource", GOOD_SOURCE],
  ["DiskImageReleaseClass", FULL_CLASS],
  ["DiskImageReleaseSource", FULL_SOURCE],
])("the corpus's %s is valid", (kind, text) => {
  expect(documentOf(text)).toMatchObject({ kind });
});

describe.each<Corpus>(["yaml", "release", "class", "source"])("refused: %s", (corpus) => {
  test.each(badDocuments(corpus))("$name", ({ text, problems }) => {
    expect(problemsOf(text)).toEqual(problems);
  });
});

test("a class has the documented defaults", () => {
  expect(requireDocument(GOOD_CLASS, "f", "DiskImageReleaseClass").spec).toMatchObject({
    lock: { atAdmission: false },
    gate: { minBuilds: 2, reproducibility: "Enforce", boot: "Enforce", spread: "Prefer", requireBaseImage: false },
    build: { deadline: "2h", emulation: "Forbid" },
    network: { allowPrivate: false, allowHTTP: false },
    quotas: { maxConcurrentReleases: 4, maxConcurrentBuilds: 2 },
    retention: { staging: "7d", jobs: "12h", evidence: "7d" },
    retryBudget: "24h",
  });
});

test("a source has the documented defaults", () => {
  const { writeBack, ...spec } = requireDocument(GOOD_SOURCE, "f", "DiskImageReleaseSource").spec;
  expect(spec).toMatchObject({ path: "specs", interval: "1m", suspend: false, network: { allowHTTP: false } });
  expect(writeBack.mode).toBe("Branch");
});

test("a list over its limit", () => {
  const packages = Array.from({ length: 257 }, (_, index) => `package-${index}`).join(", ");
  expect(problemsOf(GOOD_RELEASE.replace("openssh-server, podman", packages))).toEqual([
    "18:15: spec.inputs.packages: has 257 entries (use at most 256)",
  ]);
});

test("no message of the corpus is zod's own", () => {
  const messages = (["yaml", "release", "class", "source"] as const).flatMap((corpus) =>
    badDocuments(corpus).flatMap(({ problems }) => problems),
  );
  expect(messages.filter((message) => /invalid input|invalid key|expected|received/i.test(message))).toEqual([]);
});

test("escape sequences in a document do not reach the terminal", () => {
  const [problem = ""] = problemsOf(GOOD_RELEASE.replace("className: stable", 'className: "\\e[31mred\\u202e"'));
  expect(problem).toMatch(/^7:14: spec\.className: "\\u001b\[31mred " is not a name/);
});

describe("requireDocument", () => {
  test("gives the document of the kind asked for", () => {
    expect(requireDocument(GOOD_RELEASE, "f", "DiskImageRelease").spec.version).toBe("2026.11.23-1");
  });

  test("throws every problem, one a line", () => {
    const text = GOOD_RELEASE.replace("builds: 2", "builds: 1").replace("noble-1", "Noble-1");
    const error = thrownBy(() => requireDocument(text, "f", "DiskImageRelease"));
    expect(error).toBeInstanceOf(ReleaseError);
    expect(error).toMatchObject({ code: "SpecInvalid", exitCode: 2 });
    expect(String(error).split("\n")).toEqual([
      'ReleaseError: f:4:9: metadata.name: "Noble-1" has upper-case letters (write noble-1)',
      "f:27:11: spec.builds: 1 is not at least 2 (write a whole number from 2 to 5)",
    ]);
  });

  test("refuses a document of another kind", () => {
    const error = thrownBy(() => requireDocument(GOOD_CLASS, "f", "DiskImageRelease"));
    expect(error).toMatchObject({ code: "SpecInvalid", message: "f holds a DiskImageReleaseClass" });
  });
});

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

test.each([
  ["release", GOOD_RELEASE],
  ["class", GOOD_CLASS],
  ["source", GOOD_SOURCE],
])("whatever replaces a value of a %s: a valid document or problems with places, never an exception", (_, good) => {
  const value = documentOf(good);
  fc.assert(
    fc.property(fc.nat(60), anything, (place, replacement) => {
      const text = stringify(replaceAt(value, place, replacement), { aliasDuplicateObjects: false });
      const result = readDocument(text, "f");
      if (result.ok) return;
      expect(result.problems.length).toBeGreaterThan(0);
      for (const { line, column, message, remedy } of result.problems) {
        expect(line).toBeGreaterThanOrEqual(1);
        expect(column).toBeGreaterThanOrEqual(1);
        expect(message).not.toMatch(/^$|invalid input|undefined/i);
        expect(remedy).not.toMatch(/^$|undefined/);
      }
    }),
    { numRuns: 150 },
  );
});

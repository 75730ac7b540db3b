import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSumLines, serializeSums } from "./sums.ts";

const hash = "a".repeat(64);
const segment = fc.stringMatching(/^[a-z0-9][a-z0-9._+-]{0,8}$/);
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const sum = fc.record({ path, sha256: fc.stringMatching(/^[0-9a-f]{64}$/) }, { noNullPrototype: true });

describe("SHA256SUMS", () => {
  it("is read back as it is written, in order of path", () => {
    fc.assert(
      fc.property(fc.uniqueArray(sum, { selector: (one) => one.path }), (sums) => {
        const sorted = sums.toSorted((a, b) => (a.path < b.path ? -1 : 1));
        expect(parseSumLines(serializeSums(sums))).toEqual({ sums: sorted });
      }),
    );
  });

  it.each([
    `${hash}  /etc/passwd`,
    `${hash}  ../x`,
    `${hash}  a/../b`,
    `${hash}  a//b`,
    `${hash}  ./a`,
    `${hash}  a b`,
    `${hash} a`,
    `${hash.toUpperCase()}  a`,
    `${hash.slice(1)}  a`,
    `\\${hash}  a`,
    "",
  ])("refuses %j, and says in which line", (line) => {
    expect(parseSumLines(`${hash}  ok\n${line}\n${hash}  ok2\n`)).toEqual({ line: 2 });
  });
});

import fc from "fast-check";
import { expect, it } from "vitest";
import { digestOf, sha256Hex } from "../../builders/contract/digest.ts";
import { gitOn } from "../../controller/adapters/git/git.ts";
import { parseTrailers } from "../../controller/domain/commit-message.ts";
import { recordMessage } from "../../controller/domain/record-commit.ts";

it("git reads the same trailers in the message of a record as we do", async () => {
  const summary = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom(
      "Release: forged",
      "---",
      "# comment",
      "Signed-off-by: x\n\nRelease: forged",
      "(cherry picked from x)",
    ),
  );
  const names = fc.array(fc.tuple(fc.stringMatching(/^[a-z0-9]{1,8}$/), summary), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(names, async (given) => {
      const message = recordMessage(
        given.map(([release, summary]) => ({
          release,
          summary,
          specDigest: digestOf(release),
          idempotencyKey: sha256Hex(release),
        })),
      );
      const read = await gitOn(null).run(["interpret-trailers", "--parse", "--no-divider"], { input: message });
      const ours = parseTrailers(message);
      expect(ours).toHaveLength(given.length * 3);
      expect(read).toBe(ours.map(([key, value]) => `${key}: ${value}\n`).join(""));
    }),
    { numRuns: 40 },
  );
});

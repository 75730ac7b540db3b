import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Challenge, parseChallenges } from "./challenge.ts";

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/);
const challenge = fc.record({
  scheme: token,
  parameters: fc.uniqueArray(fc.tuple(token, fc.stringMatching(/^[\t -~]{0,20}$/)), {
    selector: ([name]) => name.toLowerCase(),
    maxLength: 4,
  }),
});
const quote = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;
const plain = ({ scheme, parameters }: Challenge) => ({ scheme, parameters: [...parameters] });

describe("challenges", () => {
  it("are read as registries send them", () => {
    const header =
      'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"';
    expect(parseChallenges(header).map(plain)).toEqual([
      {
        scheme: "bearer",
        parameters: [
          ["realm", "https://auth.example/token"],
          ["service", "registry.example"],
          ["scope", "repository:a/b:pull,push"],
        ],
      },
    ]);
    expect(parseChallenges('Negotiate, Basic realm="a \\"b\\", c", Digest').map(plain)).toEqual([
      { scheme: "negotiate", parameters: [] },
      { scheme: "basic", parameters: [["realm", 'a "b", c']] },
      { scheme: "digest", parameters: [] },
    ]);
    expect(parseChallenges("")).toEqual([]);
  });
  it("come back as they were written", () => {
    fc.assert(
      fc.property(fc.array(challenge, { maxLength: 4 }), (given) => {
        const header = given
          .map(({ scheme, parameters }) =>
            [scheme, parameters.map(([name, value]) => `${name}=${quote(value)}`).join(", ")].join(" ").trim(),
          )
          .join(", ");
        const expected = given.map(({ scheme, parameters }) => ({
          scheme: scheme.toLowerCase(),
          parameters: parameters.map(([name, value]) => [name.toLowerCase(), value]),
        }));
        expect(parseChallenges(header).map(plain)).toEqual(expected);
      }),
    );
  });
  it("may be any text, of any length", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(Array.isArray(parseChallenges(text))).toBe(true);
      }),
    );
    for (const evil of [`Basic realm="${"\\".repeat(100_000)}`, "a,".repeat(100_000), " ".repeat(100_000)]) {
      const before = process.cpuUsage(); // the clock also counts what other processes took
      parseChallenges(evil);
      expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
    }
  });
});

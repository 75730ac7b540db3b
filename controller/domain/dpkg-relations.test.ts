import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareDpkgVersions } from "./dpkg-version.ts";
import { type Clause, parseClauses, type Relation, satisfies } from "./dpkg-relations.ts";

const OPERATORS = ["<<", "<=", "=", ">=", ">>"] as const;
const version = fc.stringMatching(/^([0-9]:)?[0-9][A-Za-z0-9.+~-]{0,6}$/);
const relation: fc.Arbitrary<Relation> = fc.record(
  {
    name: fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,12}$/),
    qualifier: fc.constantFrom(null, "any", "amd64"),
    version: fc.option(
      fc.record({ operator: fc.constantFrom(...OPERATORS), value: version }, { noNullPrototype: true }),
    ),
  },
  { noNullPrototype: true },
);
const shown = ({ name, qualifier, version: asked }: Relation): string =>
  `${name}${qualifier === null ? "" : `:${qualifier}`}${asked === null ? "" : ` (${asked.operator} ${asked.value})`}`;
const clauses: fc.Arbitrary<Clause[]> = fc.array(fc.array(relation, { minLength: 1, maxLength: 3 }), { maxLength: 5 });

describe("parseClauses", () => {
  it("reads back what is written as dpkg writes it", () => {
    fc.assert(
      fc.property(clauses, (field) => {
        const text = field.map((clause) => clause.map(shown).join(" | ")).join(", ");
        expect(parseClauses(text)).toEqual({ clauses: field });
      }),
    );
  });

  it("takes any blanks, and a comma too many", () => {
    expect(parseClauses("a(>=1)|b:any , c  ( = 2 ),\n d,")).toEqual(parseClauses("a (>= 1) | b:any, c (= 2), d"));
  });

  it.each(["a (1)", "a (> 1)", "a (=> 1)", "a b", "A", "a | ", "a [amd64]", "a (>= 1) x", "$(x)"])(
    "refuses %j",
    (text) => {
      expect(parseClauses(`ok, ${text}`)).toHaveProperty("wrong");
    },
  );

  it("never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parsed = parseClauses(text);
        expect("clauses" in parsed || text.includes(parsed.wrong)).toBe(true);
      }),
    );
  });
});

describe("satisfies", () => {
  it("compares as dpkg does", () => {
    fc.assert(
      fc.property(version, version, (mine, asked) => {
        const order = Math.sign(compareDpkgVersions(mine, asked));
        const met = OPERATORS.filter((operator) =>
          satisfies(
            { version: mine, arch: "amd64" },
            { name: "a", qualifier: null, version: { operator, value: asked } },
          ),
        );
        expect(met).toEqual(order < 0 ? ["<<", "<="] : order === 0 ? ["<=", "=", ">="] : [">=", ">>"]);
      }),
    );
  });

  it("wants a version where one is asked for, and the architecture that is", () => {
    const any = { name: "a", qualifier: null, version: null };
    const versioned = { ...any, version: { operator: ">=", value: "1" } } as const;
    expect(satisfies({ version: null, arch: "amd64" }, any)).toBe(true);
    expect(satisfies({ version: null, arch: "amd64" }, versioned)).toBe(false);
    expect(satisfies({ version: "1", arch: "amd64" }, { ...any, qualifier: "any" })).toBe(true);
    expect(satisfies({ version: "1", arch: "amd64" }, { ...any, qualifier: "arm64" })).toBe(false);
    expect(satisfies({ version: "1", arch: "all" }, { ...any, qualifier: "arm64" })).toBe(true);
  });
});

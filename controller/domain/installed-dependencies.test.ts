import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDpkgStatus } from "./dpkg-status.ts";
import { dependenciesOf } from "./installed-dependencies.ts";

const one = (name: string, fields: Readonly<Record<string, string>> = {}): string =>
  Object.entries({
    ...{ Package: name, Status: "install ok installed", Architecture: "amd64", Version: "1" },
    ...fields,
  })
    .map(([field, value]) => `${field}: ${value}\n`)
    .join("");

const needs = (...stanzas: string[]) => Object.fromEntries(dependenciesOf(parseDpkgStatus(stanzas.join("\n"))));

describe("dependenciesOf", () => {
  it("takes the first alternative that is installed in the version that is asked for", () => {
    const [b, c] = [one("b"), one("c", { Version: "2" })];
    expect(needs(one("a", { Depends: "gone | b (>= 2) | c (>= 2) | b" }), b, c)["a:amd64"]).toEqual(["c:amd64"]);
    expect(needs(one("a", { "Pre-Depends": "b", Depends: "c, b" }), b, c)["a:amd64"]).toEqual(["b:amd64", "c:amd64"]);
  });

  it("takes everything that provides a virtual package, but the package of that name if there is one", () => {
    const [x, y] = [one("x", { Provides: "awk" }), one("y", { Provides: "awk (= 3)", Architecture: "all" })];
    expect(needs(one("a", { Depends: "awk" }), x, y)["a:amd64"]).toEqual(["x:amd64", "y:all"]);
    expect(needs(one("a", { Depends: "awk (>= 3)" }), x, y)["a:amd64"]).toEqual(["y:all"]);
    expect(needs(one("a", { Depends: "awk" }), x, one("awk"))["a:amd64"]).toEqual(["awk:amd64"]);
  });

  it("leaves out what a package provides itself", () => {
    expect(needs(one("a", { Depends: "v", Provides: "v" }))).toEqual({ "a:amd64": [] });
  });

  it.each([
    [{ Depends: "b | v (= 2)" }, "a needs b | v (= 2), and no installed package is that"],
    [{ "Pre-Depends": "c (<< 1)" }, "a needs c (<< 1), and no installed package is that"],
    [{ Depends: "c:arm64" }, "a needs c:arm64, and no installed package is that"],
  ])("refuses a root where %j is not met", (fields, message) => {
    expect(() => needs(one("a", fields), one("c", { Provides: "v" }))).toThrow(message);
  });

  it("of packages that need each other at random: names only packages that are there, sorted, each once", () => {
    const names = ["a0", "b0", "c0", "d0"];
    const graph = fc.dictionary(fc.constantFrom(...names), fc.subarray(names), { noNullPrototype: true });
    fc.assert(
      fc.property(graph, (edges) => {
        const root = names.map((name) => one(name, edges[name]?.length ? { Depends: edges[name].join(", ") } : {}));
        for (const [key, found] of Object.entries(needs(...root))) {
          const name = key.replace(":amd64", "");
          const expected = (edges[name] ?? []).filter((other) => other !== name).map((other) => `${other}:amd64`);
          expect(found).toEqual(expected.toSorted());
        }
      }),
    );
  });
});

import { describe, expect, it } from "vitest";
import { DPKG_STATUS } from "../../test/fakes/locked-image.ts";
import { parseDpkgStatus } from "./dpkg-status.ts";

const stanza = (...fields: string[]): string =>
  ["Package: a", "Status: install ok installed", "Architecture: amd64", "Version: 1", ...fields, ""].join("\n");

describe("parseDpkgStatus", () => {
  it("reads what a package says of itself", () => {
    const text = stanza(
      ...["Essential: yes", "Source: src (2-3)", "Maintainer: M <m@example.org>"],
      ...["Pre-Depends: b", "Depends: c (>= 1) | d", "Provides: v, w (= 4)"],
    );
    const plain = { qualifier: null, version: null };
    expect(parseDpkgStatus(text)).toEqual([
      {
        ...{
          name: "a",
          version: "1",
          arch: "amd64",
          state: "installed",
          essential: true,
          maintainer: "M <m@example.org>",
        },
        source: { name: "src", version: "2-3" },
        depends: [
          [{ name: "b", ...plain }],
          [
            { name: "c", qualifier: null, version: { operator: ">=", value: "1" } },
            { name: "d", ...plain },
          ],
        ],
        provides: [
          { name: "v", ...plain },
          { name: "w", qualifier: null, version: { operator: "=", value: "4" } },
        ],
      },
    ]);
  });

  it("takes the package's own name and version for the source's where they are left out", () => {
    const [own, named] = [parseDpkgStatus(stanza()), parseDpkgStatus(stanza("Source: src"))];
    expect(own[0]?.source).toEqual({ name: "a", version: "1" });
    expect(named[0]?.source).toEqual({ name: "src", version: "1" });
  });

  it("keeps what was removed apart from what is installed, with or without a version", () => {
    const removed = stanza().replace("install ok installed", "deinstall ok config-files").replace("Version: 1\n", "");
    expect(parseDpkgStatus(removed)).toMatchObject([{ state: "config-files", version: "" }]);
    expect(parseDpkgStatus(DPKG_STATUS).map(({ state }) => state)).toEqual(Array(4).fill("installed"));
  });

  it.each([
    ["Package: a\nArchitecture: amd64\n", "dpkg-status: a has no Status"],
    [stanza().replace("Package: a\n", ""), "dpkg-status: a stanza has no Package"],
    [stanza().replace("Architecture: amd64\n", ""), "dpkg-status: a has no Architecture"],
    [stanza().replace("Version: 1\n", ""), "dpkg-status: a has no Version"],
    [stanza().replace("install ok installed", "installed"), "dpkg-status: a: Status is not three words"],
    [stanza("Depends: B!"), 'dpkg-status: a: Depends has "B!", which is no relation'],
    [stanza("Provides: b | c"), "dpkg-status: a: Provides has alternatives"],
    [stanza("Source: S S"), 'dpkg-status: a: Source is "S S"'],
  ])("refuses %j", (text, message) => {
    expect(() => parseDpkgStatus(text)).toThrow(message);
  });
});

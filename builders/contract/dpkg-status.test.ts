import fc from "fast-check";
import { expect, test } from "vitest";
import { installedPackages } from "./dpkg-status.ts";

const record = (name: string, status: string, version: string): string =>
  `Package: ${name}\nEssential: yes\nStatus: ${status}\nArchitecture: amd64\nVersion: ${version}\nDescription: text\n Status: no field\n .\n Version: 0\n`;

test("installed packages in the file's order, whatever states others are in", () => {
  const word = fc.stringMatching(/^[a-z0-9][a-z0-9+.~:-]{0,12}$/);
  const state = fc.constantFrom(
    "install ok installed",
    "hold ok installed",
    "deinstall ok config-files",
    "install ok half-installed",
    "purge ok not-installed",
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(word, state, word), { minLength: 1, maxLength: 5 }), (records) => {
      const text = records.map((one) => record(...one)).join("\n");
      const installed = records.filter(([, status]) => status.endsWith("ok installed"));
      expect(installedPackages(`${text}\n`)).toEqual(
        installed.map(([name, , version]) => ({ name, version, arch: "amd64" })),
      );
    }),
  );
});

test("a package that dpkg only knows of has no version", () => {
  expect(installedPackages("Package: known\nStatus: unknown ok not-installed\n\n")).toEqual([]);
});

test.each([
  ["nothing", ""],
  ["blank lines", "\n\n\n"],
  ["another text", "a=1 b=2\n"],
  ["a list of an archive", "Package: dpkg\nVersion: 1\nArchitecture: all\n"],
  ["a stanza of something else", `${record("dpkg", "install ok installed", "1")}\nOrigin: Debian\n`],
  ["an installed package without a version", "Package: dpkg\nStatus: install ok installed\nArchitecture: all\n"],
  ["an installed package without an architecture", "Package: dpkg\nStatus: install ok installed\nVersion: 1\n"],
])("%s is no status file", (_, text) => {
  expect(installedPackages(text)).toBeNull();
});

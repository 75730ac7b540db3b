import fc from "fast-check";
import { expect, it } from "vitest";
import { readPurl } from "../../test/contracts/package-url.ts";
import { debPurl, genericPurl, ociPurl } from "./purl.ts";

it("has the form of the specification's own examples", () => {
  const deb = { archive: "debian", name: "attr", version: "1:2.4.47-2+b1", arch: "amd64", suite: "stretch" };
  expect(debPurl(deb)).toBe("pkg:deb/debian/attr@1:2.4.47-2%2Bb1?arch=amd64&distro=stretch");
  expect(debPurl({ ...deb, name: "libstdc++6", version: "14~rc1" })).toBe(
    "pkg:deb/debian/libstdc%2B%2B6@14~rc1?arch=amd64&distro=stretch",
  );
  expect(ociPurl("debian", "sha256:244fd47e07d10")).toBe("pkg:oci/debian@sha256:244fd47e07d10");
  expect(genericPurl("a!'()*b", "1")).toBe("pkg:generic/a%21%27%28%29%2Ab@1");
});

it("is read by the reference implementation as what it was made from", () => {
  const packageName = fc.stringMatching(/^[a-z0-9][a-z0-9+.-]+$/);
  const packageVersion = fc.stringMatching(/^([0-9]+:)?[0-9][A-Za-z0-9.+~-]*$/);
  fc.assert(
    fc.property(packageName, packageVersion, (name, version) => {
      const purl = debPurl({ archive: "ubuntu", name, version, arch: "all", suite: "noble" });
      const qualifiers = { arch: "all", distro: "noble" };
      expect(readPurl(purl)).toEqual({ type: "deb", namespace: "ubuntu", name, version, qualifiers });
      expect(purl).toMatch(/^[A-Za-z0-9.~_%:/@?=&-]+$/);
    }),
  );
});

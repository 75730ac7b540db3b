import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReleaseError } from "./errors.ts";
import { newestKernel, parseKernelName } from "./kernel-package.ts";
import { KERNEL_PACKAGE } from "./pins.ts";

const offer = (name: string, version = "1") => ({ name, version });

describe("kernel names", () => {
  it.each([
    ["linux-image-6.12.117+deb13-amd64", { release: "6.12.117+deb13", series: "6.12", flavour: "amd64" }],
    ["linux-image-6.12.117+deb13-cloud-amd64", { release: "6.12.117+deb13", series: "6.12", flavour: "cloud-amd64" }],
    ["linux-image-6.12.9+deb13.1-rt-arm64", { release: "6.12.9+deb13.1", series: "6.12", flavour: "rt-arm64" }],
    ["linux-image-6.1.0-18-amd64", { release: "6.1.0-18", series: "6.1", flavour: "amd64" }],
    ["linux-image-6.8.0-45-generic", { release: "6.8.0-45", series: "6.8", flavour: "generic" }],
    ["linux-image-6.8.0-45-generic-64k", { release: "6.8.0-45", series: "6.8", flavour: "generic-64k" }],
    [
      "linux-image-6.12.117+deb13-amd64-unsigned",
      { release: "6.12.117+deb13", series: "6.12", flavour: "amd64-unsigned" },
    ],
  ])("takes %s apart", (name, parts) => {
    expect(parseKernelName(name)).toEqual(parts);
  });

  it.each(["linux-image-amd64", "linux-image-generic", "linux-image-6.12.117+deb13", "linux-headers-6.8.0-45-generic"])(
    "finds no pinned kernel in %s",
    (name) => {
      expect(parseKernelName(name)).toBeNull();
    },
  );

  it("takes apart every kernel that a spec may name, without losing a character", () => {
    fc.assert(
      fc.property(fc.stringMatching(KERNEL_PACKAGE.pattern), (name) => {
        const kernel = parseKernelName(name);
        expect(`linux-image-${kernel?.release}-${kernel?.flavour}`).toBe(name);
      }),
    );
  });
});

describe("the newest kernel", () => {
  const debian = [
    offer("linux-image-6.12.99+deb13-amd64"),
    offer("linux-image-6.12.117+deb13-amd64"),
    offer("linux-image-6.12.118+deb13-cloud-amd64"),
    offer("linux-image-6.12.119+deb13-amd64-unsigned"),
    offer("linux-image-amd64", "6.12.120-1"),
  ];

  it("is the one of the same flavour with the highest release by dpkg's order", () => {
    expect(newestKernel("linux-image-6.12.48+deb13-amd64", debian).name).toBe("linux-image-6.12.117+deb13-amd64");
    expect(newestKernel("linux-image-6.12.48+deb13-cloud-amd64", debian).name).toBe(
      "linux-image-6.12.118+deb13-cloud-amd64",
    );
  });

  it("stays in the pinned kernel's series while the archive has one", () => {
    const ubuntu = ["6.8.0-9", "6.8.0-45", "6.14.0-24"].map((release) => offer(`linux-image-${release}-generic`));
    expect(newestKernel("linux-image-6.8.0-31-generic", ubuntu).name).toBe("linux-image-6.8.0-45-generic");
    expect(newestKernel("linux-image-6.5.0-9-generic", ubuntu).name).toBe("linux-image-6.14.0-24-generic");
  });

  it("is of the highest package version where names are equal", () => {
    const name = "linux-image-6.12.117+deb13-amd64";
    expect(newestKernel(name, [offer(name, "6.12.117-1"), offer(name, "6.12.117-1+b2")]).version).toBe("6.12.117-1+b2");
  });

  it("does not exist without an offer of that flavour", () => {
    const attempt = () => newestKernel("linux-image-6.12.48+deb13-rt-amd64", debian);
    expect(attempt).toThrow(ReleaseError);
    expect(attempt).toThrow(/no kernel of the flavour rt-amd64/);
  });

  it("is not looked for from a name that floats", () => {
    expect(() => newestKernel("linux-image-amd64", debian)).toThrow(
      /not a kernel package with version, ABI and flavour/,
    );
  });

  it("does not depend on the order of the offers", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(debian, { minLength: debian.length }), (offers) => {
        expect(newestKernel("linux-image-6.12.48+deb13-amd64", offers).name).toBe("linux-image-6.12.117+deb13-amd64");
      }),
    );
  });
});

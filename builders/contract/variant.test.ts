import { describe, expect, it } from "vitest";
import { ARCHES, VARIANTS, variantExistsFor } from "./variant.ts";

describe("variantExistsFor", () => {
  it("knows every variant on arm64, and all but the two board images on amd64", () => {
    expect(VARIANTS.filter((variant) => variantExistsFor(variant, "arm64"))).toEqual([...VARIANTS]);
    expect(VARIANTS.filter((variant) => !variantExistsFor(variant, "amd64"))).toEqual([
      "disk-image-rpi4",
      "disk-image-arm64-uefi",
    ]);
    expect(ARCHES).toEqual(["amd64", "arm64"]);
  });
});

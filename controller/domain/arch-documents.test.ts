import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { dpkgStatusOf, LOCK, TOOLCHAIN } from "../../test/fakes/locked-image.ts";
import { ARTIFACTS, RELEASE, RUN } from "../../test/fakes/release-run.ts";
import { archDocuments } from "./arch-documents.ts";
import { PREDICATE } from "./statement.ts";

const documents = () =>
  archDocuments({
    ...{ release: RELEASE, arch: "amd64", sourceDateEpoch: RUN.sourceDateEpoch, lock: LOCK, toolchain: TOOLCHAIN },
    ...{ baseImage: null, imgrel: RUN.imgrel, builder: RUN.builder, builderImage: null },
    ...{ invocationId: ({ run }) => `run ${run}`, files: ARTIFACTS, boots: {}, dpkgStatus: dpkgStatusOf(LOCK) },
    runs: [1, 2].map((run) => ({
      ...{ run, startedOn: "2026-11-25T00:00:00.000Z", finishedOn: "2026-11-25T00:10:00.000Z", logs: [] },
      variation: RUN.variation,
    })),
    ...{ rootImage: sha256Hex("root"), repository: "registry.example/images", targets: [] },
  });

describe("what is signed about an arch", () => {
  it("has one bill of materials for all variants, the same object, so that it is signed once", () => {
    const { statement } = documents();
    const sbom = statement("raw", "sbom");
    expect(sbom?.predicateType).toBe(PREDICATE.spdx);
    expect(statement("kernel-initrd", "sbom")).toBe(sbom);
    expect(statement("raw", "provenance-run-1")).toBe(statement("raw", "provenance-run-1"));
    expect(statement("raw", "provenance-run-2")).not.toBe(statement("raw", "provenance-run-1"));
    expect(statement("raw", "image")).toBeNull();
  });

  it("is the same whenever it is made", () => {
    const [one, other] = [documents(), documents()];
    for (const document of ["sbom", "provenance-run-1"] as const) {
      expect(other.statement("raw", document)).toEqual(one.statement("raw", document));
    }
    expect([other.spdx, other.cyclonedx]).toEqual([one.spdx, one.cyclonedx]);
  });

  it("knows no run that was not made", () => {
    expect(() => documents().statement("raw", "provenance-run-3")).toThrow("there is no such run");
  });
});

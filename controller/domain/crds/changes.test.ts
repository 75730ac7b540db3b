import { describe, expect, it } from "vitest";
import { changed, RELEASE, RELEASE_STATUS, SPEC_CHANGES, STATUS_CHANGES } from "../../../test/contracts/crd-changes.ts";
import { STORED_KINDS } from "../../../test/contracts/stored-corpus.ts";
import { admissionFaults } from "../../../test/contracts/structural-admission.ts";

const { crd } = STORED_KINDS.DiskImageRelease;
const released = { ...RELEASE, status: RELEASE_STATUS };

describe("a release that is there", () => {
  it("is accepted as it is", () => {
    expect(admissionFaults(crd, released)).toEqual([]);
    expect(admissionFaults(crd, released, released)).toEqual([]);
  });
  it.each([...SPEC_CHANGES, ...STATUS_CHANGES])("takes only what may change: $name", (change) => {
    const faults = admissionFaults(crd, changed(released, change), released);
    expect(faults.length === 0, faults.join("\n")).toBe(change.accepted);
  });
  it("may get a status, and a publication", () => {
    const { published, ...unpublished } = RELEASE_STATUS;
    expect(admissionFaults(crd, { ...RELEASE, status: unpublished }, RELEASE)).toEqual([]);
    expect(admissionFaults(crd, released, { ...RELEASE, status: unpublished })).toEqual([]);
    expect(admissionFaults(crd, { ...RELEASE, status: { published } }, RELEASE)).toEqual([]);
  });
});

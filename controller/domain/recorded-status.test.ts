import { describe, expect, it } from "vitest";
import { demoRecord, FAILED_STATUS } from "../../test/fakes/release-record.ts";
import { readRecord } from "./read-record.ts";
import { serializeStatus } from "./record-status.ts";
import { byReleaseName, recordedStatus, statusTable, unreadableStatus } from "./recorded-status.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("the status of a release from its record", () => {
  it("is ready once it is published, whatever the unsigned status says, until it is revoked", () => {
    expect(recordedStatus("demo", readRecord("demo", demoRecord()))).toMatchObject({
      ...{ version: "2026.11.23-1", ready: true, published: true, reason: null },
      targets: ["amd64/kernel-initrd", "amd64/raw"],
    });
    const revoked = new Map([...demoRecord(), ["revocation.sigstore.json", bytes("{}")] as const]);
    expect(recordedStatus("demo", readRecord("demo", revoked))).toMatchObject({ ready: false, reason: "revoked" });
  });
  it("says why it failed", () => {
    const files = new Map([["status.yaml", bytes(serializeStatus(FAILED_STATUS))]]);
    expect(recordedStatus("demo", readRecord("demo", files))).toMatchObject({
      ...{ ready: false, published: false, targets: ["amd64/kernel-initrd", "amd64/raw"] },
      reason: "NotReproducible: amd64: runs 1 and 2 differ",
    });
  });
});

describe("the table", () => {
  it("has columns, reasons below, and nothing that could steer a terminal", () => {
    const bad = unreadableStatus("b\u001b[31m", "status.yaml:\nis\u001b[2J missing");
    const ready = recordedStatus("demo", readRecord("demo", demoRecord()));
    expect(statusTable([bad, ready])).toEqual([
      "NAME  VERSION       READY  PUBLISHED  TARGETS                        COMMIT",
      "b     -             False  False      -                              -",
      "demo  2026.11.23-1  True   True       amd64/kernel-initrd,amd64/raw  3f3f3f3f3f3f",
      "b: status.yaml: is missing",
    ]);
  });
  it("counts numbers in names by their value", () => {
    const names = ["1.10", "1.9", "a"].map((name) => unreadableStatus(name, "x")).toSorted(byReleaseName);
    expect(names.map(({ name }) => name)).toEqual(["1.9", "1.10", "a"]);
  });
});

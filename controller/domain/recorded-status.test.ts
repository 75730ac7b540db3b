import { describe, expect, it } from "vitest";
import { demoRecord, STATUS } from "../../test/fakes/release-record.ts";
import type { Condition } from "./conditions.ts";
import { readRecord } from "./read-record.ts";
import { serializeStatus } from "./record-status.ts";
import { byReleaseName, recordedStatus, statusTable, unreadableStatus } from "./recorded-status.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const condition = (
  type: Condition["type"],
  status: Condition["status"],
  reason: string,
  message: string,
): Condition => ({
  ...{ type, status, reason, message, lastTransitionTime: "2026-11-23T04:00:00Z", observedGeneration: 1 },
});
/** The record of a release that was not published. */
const failed = (conditions: readonly Condition[]) => {
  const { published: _, ...status } = { ...STATUS, conditions: [...conditions], targets: [STATUS.targets[0]] as never };
  return recordedStatus("demo", readRecord("demo", new Map([["status.yaml", bytes(serializeStatus(status))]])));
};

describe("the status of a release from its record", () => {
  it("is ready once it is published, whatever the unsigned status says, until it is revoked", () => {
    expect(recordedStatus("demo", readRecord("demo", demoRecord()))).toMatchObject({
      ...{ version: "2026.11.23-1", ready: true, published: true, reason: null },
      targets: ["amd64/kernel-initrd", "amd64/raw"],
    });
    const revoked = new Map([...demoRecord(), ["revocation.sigstore.json", bytes("{}")] as const]);
    expect(recordedStatus("demo", readRecord("demo", revoked))).toMatchObject({ ready: false, reason: "revoked" });
  });
  it("says which step failed", () => {
    const built = condition("Built", "True", "Succeeded", "2 runs");
    const differ = condition("Reproducible", "False", "NotReproducible", "2 files differ");
    const silent = condition("Notified", "False", "NotConfigured", "nobody is told");
    expect(failed([built, differ, silent])).toMatchObject({
      ...{ ready: false, published: false, reason: "NotReproducible: 2 files differ" },
    });
    const stalled = condition("Stalled", "True", "BuildFailed", "a tool is missing");
    expect(failed([stalled, differ]).reason).toBe("BuildFailed: a tool is missing");
    expect(failed([built]).reason).toBe("not published");
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

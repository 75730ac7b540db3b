import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../builders/contract/digest.ts";
import { FAILED_STATUS, STATUS } from "../../test/fakes/release-record.ts";
import { RELEASE } from "../../test/fakes/release-run.ts";
import { type Condition, setCondition } from "./conditions.ts";
import { parseStatus, type RecordStatus, serializeStatus } from "./record-status.ts";

const TEXT = serializeStatus(STATUS);
const FAILURE =
  '  class: Verdict\n  message: "amd64: runs 1 and 2 differ"\n  reason: NotReproducible\n  step: Reproducible\n';
const NOW = new Date("2026-11-23T04:00:00Z");

describe("status.yaml", () => {
  it("has sorted keys, and says what a person looks for", () => {
    expect(TEXT).toBe(`conditions:
  - lastTransitionTime: 2026-11-23T04:00:00Z
    message: all is done
    observedGeneration: 1
    reason: Succeeded
    status: "True"
    type: Ready
  - lastTransitionTime: 2026-11-23T03:30:00Z
    message: 2 runs
    observedGeneration: 1
    reason: AllEqual
    status: "True"
    type: Reproducible
generation: 1
published:
  releaseDigest: ${digestOf("release")}
release: demo
specCommit: ${RELEASE.specCommit}
specDigest: ${RELEASE.specDigest}
targets:
  - arch: amd64
    variant: kernel-initrd
  - arch: amd64
    published:
      digest: ${digestOf("raw")}
      reference: registry.example/images:demo-amd64-raw
    variant: raw
version: 2026.11.23-1
`);
  });

  it("says why a release failed", () => {
    const text = serializeStatus(FAILED_STATUS);
    expect(text).toContain(`failure:\n${FAILURE}`);
    expect(parseStatus(text)).toEqual(FAILED_STATUS);
  });

  it("is read back as it is written, whatever stands in it, and the same bytes in any order of targets", () => {
    const odd = fc.constantFrom(
      "2026.11",
      "1e3",
      "true",
      "null",
      "0x1f",
      "a: b # c",
      "- x",
      "'",
      '"',
      "\n",
      "é\u2028",
      "@",
    );
    const messages = fc.oneof(
      odd,
      fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()),
    );
    fc.assert(
      fc.property(odd, messages, fc.shuffledSubarray(STATUS.targets, { minLength: 2 }), (version, message, targets) => {
        const conditions = STATUS.conditions.map((condition): Condition => ({ ...condition, message }));
        const status: RecordStatus = { ...STATUS, version, conditions, targets };
        const text = serializeStatus(status);
        expect(parseStatus(text)).toEqual({ ...status, targets: STATUS.targets });
        expect(serializeStatus(parseStatus(text))).toBe(text);
      }),
    );
  });

  it("has the same bytes when nothing new is said", () => {
    const again = setCondition(
      STATUS.conditions,
      { type: "Reproducible", reason: "AllEqual", message: "2 runs, said later", observedGeneration: 1 },
      new Date("2027-01-01T00:00:00Z"),
    );
    expect(serializeStatus({ ...STATUS, conditions: again })).toBe(TEXT);
    const failed = setCondition(
      STATUS.conditions,
      { type: "Notified", reason: "Unreachable", message: "no answer", observedGeneration: 1 },
      NOW,
    );
    expect(serializeStatus({ ...STATUS, conditions: failed })).not.toBe(TEXT);
  });

  it.each([
    ["no YAML", "a: [", /status\.yaml:1/],
    ["a key twice", `${TEXT}release: other\n`, /status\.yaml:\d+: release: this key stands twice/],
    ["an alias", TEXT.replace("release: demo", "release: &a demo"), /anchor/],
    ["a missing field", TEXT.replace("release: demo\n", ""), /status\.yaml: release: /],
    ["an unknown field", `${TEXT}more: 1\n`, /more/],
    ["a number for text", TEXT.replace("2026.11.23-1", "2026.11"), /status\.yaml: version: /],
    ["a commit that is none", TEXT.replace(RELEASE.specCommit, "main"), /specCommit: must be a whole commit ID/],
    [
      "a condition twice",
      TEXT.replace("type: Reproducible", "type: Ready").replace("AllEqual", "Succeeded"),
      /conditions\[1\]: stands twice/,
    ],
    ["a failure beside what is published", `${TEXT}failure:\n${FAILURE}`, /failure: stands where published does not/],
    ["neither", TEXT.replace(/published:\n {2}releaseDigest: \S+\n/, ""), /failure: stands where published does not/],
    ["a target twice", TEXT.replace("variant: kernel-initrd", "variant: raw"), /targets\[1\]: stands twice/],
    [
      "a reason of another type",
      TEXT.replace("AllEqual", "Passed"),
      /conditions\[1\]\.reason: Passed is not a reason of Reproducible/,
    ],
    [
      "a reference without a tag",
      TEXT.replace(":demo-amd64-raw", ""),
      /published\.reference: must be <repository>:<tag>/,
    ],
  ])("is refused with %s", (_, text, message) => {
    expect(() => parseStatus(text)).toThrow(message);
    expect(() => parseStatus(text)).toThrow(expect.objectContaining({ code: "RecordInvalid" }));
  });
});

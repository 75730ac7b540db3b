import { describe, expect, it } from "vitest";
import { clusterSource } from "../../test/fakes/cluster-objects.ts";
import { composeSourceStatus, type SourceLook } from "./compose-source-status.ts";
import { MOST_FILE_ERRORS, SourceStatus } from "./source-status.ts";

const [NOW, LATER] = [new Date("2026-11-26T00:00:00Z"), new Date("2026-11-26T00:05:00Z")];
const COMMIT = "a".repeat(40);
const read = (...names: string[]): SourceLook => ({
  ...{ kind: "read", commit: COMMIT },
  problems: names.map((name) => ({ name, reason: "SpecInvalid", message: "no" })),
});
const after = (look: SourceLook, before: SourceStatus = {}, now = NOW) =>
  composeSourceStatus(before, clusterSource(), look, now);
const shown = ({ conditions = [] }: SourceStatus) =>
  conditions.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`);

describe("the status of a source", () => {
  it("says what was read, and which folders are wrong", () => {
    expect(shown(after(read()))).toEqual([`Ready=True Succeeded: read ${COMMIT}`]);
    const status = after(read("a", "b"));
    expect(shown(status)).toEqual([`Ready=True SomeInvalid: read ${COMMIT}; 2 folders cannot be released, see errors`]);
    expect(status).toMatchObject({
      ...{ lastSeenCommit: COMMIT, observedGeneration: 1 },
      errors: [
        { path: "specs/a/release.yaml", message: "SpecInvalid: no" },
        { path: "specs/b/release.yaml", message: "SpecInvalid: no" },
      ],
    });
    expect(after({ kind: "read", commit: null, problems: [] })).not.toHaveProperty("lastSeenCommit");
  });
  it("keeps what was read when a look fails, and says whether a person is needed", () => {
    const before = after(read("a"));
    const lost = after({ kind: "failed", fault: "transient", reason: "RepositoryUnavailable", message: "503" }, before);
    expect(shown(lost)).toEqual([
      "Ready=False RepositoryUnavailable: 503",
      "Reconciling=True RepositoryUnavailable: 503",
    ]);
    expect([lost.lastSeenCommit, lost.errors]).toEqual([before.lastSeenCommit, before.errors]);
    const refused = after({ kind: "failed", fault: "permanent", reason: "Unauthorized", message: "401" }, lost);
    expect(shown(refused)[1]).toBe("Stalled=True Unauthorized: 401");
    expect(shown(after(read(), refused))).toHaveLength(1);
  });
  it("changes the time only with the status", () => {
    const again = after(read(), after(read("a")), LATER);
    expect(again.conditions?.[0]?.lastTransitionTime).toBe("2026-11-26T00:00:00Z");
    const suspended = after({ kind: "suspended" }, again, LATER);
    expect(suspended.conditions).toMatchObject([
      { type: "Ready", status: "False", reason: "Suspended", lastTransitionTime: "2026-11-26T00:05:00Z" },
    ]);
  });
  it("fits its schema however much is wrong", () => {
    const many = Array.from({ length: 100 }, (_, index) => `folder-${index}`);
    const look = read(...many);
    const long = { kind: "failed", fault: "permanent", reason: "Internal", message: "x".repeat(5000) } as const;
    expect(SourceStatus.parse(after(look)).errors).toHaveLength(MOST_FILE_ERRORS);
    expect(SourceStatus.parse(after(long)).conditions).toHaveLength(2);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../builders/contract/digest.ts";
import { BuildMessage } from "../../../builders/contract/pod.ts";
import type { AttemptSuccess } from "./job-outcome.ts";
import { withMessage } from "./pod-message.ts";

const success = (message: string): AttemptSuccess => ({
  ...{ state: "succeeded", pod: "p", node: "n1", message },
  ...{ startedOn: "2026-11-26T03:00:10Z", finishedOn: "2026-11-26T03:00:50Z" },
});
const said: BuildMessage = { schemaVersion: 1, manifest: digestOf("manifest"), cpus: "0-3,6" };

describe("withMessage", () => {
  it("gives what a pod said", () => {
    expect(withMessage(BuildMessage, success(JSON.stringify(said)))).toEqual({
      ...success(JSON.stringify(said)),
      said,
    });
  });
  it("takes a success without a valid message for a failure", () => {
    const long = `${JSON.stringify(said)}${" ".repeat(4096)}`;
    const texts = [
      "",
      "{}",
      "null",
      "[",
      long,
      JSON.stringify({ ...said, more: 1 }),
      JSON.stringify({ ...said, cpus: "0;rm" }),
    ];
    for (const text of texts) {
      expect(withMessage(BuildMessage, success(text)), text.slice(0, 80)).toMatchObject({
        state: "failed",
        cause: "Failed",
        pod: "p",
      });
    }
  });
  it("leaves other outcomes alone, and never throws", () => {
    expect(withMessage(BuildMessage, { state: "pending", message: null })).toEqual({ state: "pending", message: null });
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(withMessage(BuildMessage, success(text)).state).toBe("failed");
      }),
    );
  });
});

import { expect, it } from "vitest";
import { ReleaseError } from "./errors.ts";
import { perturbationOf } from "./perturbation.ts";

it("is for run 2 unless it names another, and null outside tests", () => {
  expect(perturbationOf({ IMGREL_TEST: "1", IMGREL_TEST_PERTURB: "fat" })).toEqual({ step: "fat", run: 2 });
  expect(perturbationOf({ IMGREL_TEST: "1", IMGREL_TEST_PERTURB: "uki@1" })).toEqual({ step: "uki", run: 1 });
  expect(perturbationOf({ IMGREL_TEST: "1" })).toBeNull();
});

it.each([{ IMGREL_TEST_PERTURB: "fat" }, { IMGREL_TEST: "1", IMGREL_TEST_PERTURB: "thin" }])(
  "%j is refused before anything is built",
  (env) => {
    expect(() => perturbationOf(env)).toThrow(ReleaseError);
    try {
      perturbationOf(env);
    } catch (error) {
      expect(error).toMatchObject({ code: "Usage", exitCode: 2, remedy: expect.stringContaining("unset") as string });
    }
  },
);

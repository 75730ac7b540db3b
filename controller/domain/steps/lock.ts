import { onItsWay, reached, type Step } from "../step.ts";

/** Every input is kept by digest before anything is published; builds do not wait for that. */
export const lock: Step = ({ inputsArchived }) =>
  inputsArchived
    ? reached("Committed", "every input is pinned, and kept by digest")
    : onItsWay("Committed", "every input is pinned, and kept by digest", [{ kind: "archive-inputs" }]);

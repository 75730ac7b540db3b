import { onItsWay, reached, type Step } from "../step.ts";

/**
 * Every input is kept by digest before anything is published; builds do not wait for that. What will not be published
 * needs no archive.
 */
export const lock: Step = ({ inputsArchived, gate }) => {
  const message = "every input is pinned, and kept by digest";
  if (inputsArchived) return reached("Committed", message);
  const isPublished = gate.bootWanted || gate.boot === "Report";
  return onItsWay("Committed", message, isPublished ? [{ kind: "archive-inputs" }] : []);
};

import { onItsWay, reached, type Step } from "../step.ts";

/** The signed record is written last, once. */
export const record: Step = (observed, passed) => {
  if (observed.record.kind === "recorded") {
    return reached("Pushed", `recorded in ${observed.record.commit}`);
  }
  if (!passed("Published") || !passed("Notified")) {
    return onItsWay(null, "waits until all is published");
  }
  return onItsWay(null, "the record is to be written", [{ kind: "record", failure: null }]);
};

import { canonicalJson } from "../../builders/contract/digest.ts";

/** Whether two values are the same as JSON, whatever the order of their keys; what is undefined is not there. */
export const sameContent = (a: object | undefined, b: object | undefined): boolean =>
  canonicalJson(a ?? null) === canonicalJson(b ?? null);

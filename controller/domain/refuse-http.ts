import { z } from "zod";
import { URL_KEYS } from "./addresses.ts";
import { crossRule } from "./fields.ts";
import { isRecord } from "./json-schema.ts";
import type { DocumentPath } from "./problem.ts";

/** Paths of fields below `value` that hold an http URL. */
function httpFields(value: unknown, path: DocumentPath): DocumentPath[] {
  if (Array.isArray(value)) return value.flatMap((entry, index) => httpFields(entry, [...path, index]));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    URL_KEYS.has(key) && typeof member === "string" && /^http:/i.test(member)
      ? [[...path, key]]
      : httpFields(member, [...path, key]),
  );
}

/** In a spec with `network`: http stands nowhere unless network.allowHTTP is true. */
export const refuseHttp = crossRule(z.record(z.string(), z.unknown()), (spec, complain) => {
  if (isRecord(spec["network"]) && spec["network"]["allowHTTP"] === true) return;
  for (const path of httpFields(spec, [])) {
    complain(path, {
      message: "is http, which anyone on the way can change",
      remedy: "write https, or set network.allowHTTP",
    });
  }
});

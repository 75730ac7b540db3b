import { URL_KEYS } from "../addresses.ts";
import { type CelRule, celText, field } from "./cel.ts";
import type { StructuralSchema } from "./structural-schema.ts";

/** What is true if no URL below `at` is http; undefined if there is none. `depth` names the variables of loops. */
function secure(schema: StructuralSchema, at: string, depth: number): string | undefined {
  const entry = `v${depth}`;
  const each = schema.items ?? schema.additionalProperties;
  if (each !== undefined) {
    const inside = secure(each, schema.items === undefined ? `${at}[${entry}]` : entry, depth + 1);
    return inside === undefined ? undefined : `${at}.all(${entry}, ${inside})`;
  }
  const parts = Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const value = field(at, name);
    const own = URL_KEYS.has(name) ? `!${value}.startsWith(${celText("http:")})` : secure(member, value, depth);
    if (own === undefined) return [];
    return [schema.required?.includes(name) === true ? own : `(!has(${value}) || ${own})`];
  });
  return parts.length === 0 ? undefined : parts.join(" && ");
}

/**
 * A spec with the rule of refuse-http.ts: no field that holds a URL begins with http, unless network.allowHTTP is true.
 * @throws RangeError for a spec without URLs
 */
export function refusingHttp(spec: StructuralSchema): StructuralSchema {
  const all = secure(spec, "self", 0);
  if (all === undefined) throw new RangeError("the spec holds no URL");
  const allowed = "has(self.network) && has(self.network.allowHTTP) && self.network.allowHTTP";
  const rule: CelRule = {
    rule: `(${allowed}) || (${all})`,
    message: "a URL is http, which anyone on the way can change: write https, or set network.allowHTTP",
  };
  return { ...spec, "x-kubernetes-validations": [...(spec["x-kubernetes-validations"] ?? []), rule] };
}

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type CorpusDocument,
  FILES_ONLY,
  goodDocuments,
  objectOf,
  refusedDocuments,
  specsNear,
  STORED_KINDS,
  storedAs,
  typeOf,
} from "../../../test/contracts/stored-corpus.ts";
import { admissionFaults, prune, schemaOf, withoutNull } from "../../../test/contracts/structural-admission.ts";
import { validRelease } from "../../../test/fakes/release-specs.ts";
import type { Kind } from "../documents.ts";
import { crdFiles, customResources } from "./crd-files.ts";
import type { StructuralSchema } from "./structural-schema.ts";

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const KINDS = Object.keys(STORED_KINDS) as Kind[];

/** What zod and the CRD say of an object. */
function bothOn({ kind, document }: Omit<CorpusDocument, "name">) {
  const { schema, crd } = STORED_KINDS[kind];
  const object = withoutNull(schemaOf(crd), objectOf(document));
  const parsed = schema.safeParse(storedAs(object));
  return {
    zod: parsed.error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [],
    crd: admissionFaults(crd, object),
  };
}

/** What zod makes of an object, its defaults included, is stored as it is: nothing of it would be pruned. */
function expectWhole({ kind, document }: Omit<CorpusDocument, "name">): void {
  const { schema, crd } = STORED_KINDS[kind];
  const whole = schemaOf(crd);
  const { spec } = schema.parse(storedAs(withoutNull(whole, objectOf(document))));
  expect(prune(whole, { spec })).toEqual({ spec });
}

/** Every field of a schema, with its path. */
function fieldsOf(schema: StructuralSchema, path: string): [string, StructuralSchema][] {
  const below = Object.entries(schema.properties ?? {}).map(([name, member]) => [`${path}.${name}`, member] as const);
  const each = schema.items ?? schema.additionalProperties;
  return [
    ...below.flatMap(([at, member]): [string, StructuralSchema][] => [[at, member], ...fieldsOf(member, at)]),
    ...(each === undefined ? [] : fieldsOf(each, `${path}[]`)),
  ];
}

describe.each(customResources().map((crd) => [crd.spec.names.kind, crd] as const))("the CRD of %s", (_, crd) => {
  const fields = fieldsOf(schemaOf(crd), "").filter(([path]) => /^\.(spec|status)/.test(path));

  it("is the file in crds/", () => {
    const name = `${crd.spec.names.plural}.yaml`;
    // if not: node controller/main.ts crds --write crds
    expect(read(`crds/${name}`)).toBe(crdFiles().get(name));
  });
  it("describes every field in a sentence, as specs/README.md names it", () => {
    expect(fields.length).toBeGreaterThan(25);
    expect(
      fields.filter(([, { description = "" }]) => !/^[A-Z][^\n]*\.$/.test(description)).map(([path]) => path),
    ).toEqual([]);
  });
  it("bounds every text, list and mapping, as the cost of rules needs it", () => {
    const free = fields.filter(
      ([path, { type, maxLength, enum: choices, maxItems, additionalProperties, maxProperties }]) =>
        path.split(".").length > 2 &&
        ((type === "string" && maxLength === undefined && choices === undefined) ||
          (type === "array" && maxItems === undefined) ||
          (additionalProperties !== undefined && maxProperties === undefined)),
    );
    expect(free.map(([path]) => path)).toEqual([]);
  });
  it("has no pattern that RE2 and JavaScript read differently", () => {
    const patterns = fields.flatMap(([, { pattern }]) => pattern ?? []);
    expect(patterns.filter((pattern) => /\\[sSwWbB]|\(\?|\\[1-9]/.test(pattern))).toEqual([]);
  });
  it("is structural: no default, every list says how its entries are told apart", () => {
    for (const [path, schema] of fields) {
      expect(Object.keys(schema), path).not.toContain("default");
      if (schema.type === "array") expect(schema["x-kubernetes-list-type"], path).toBeDefined();
      for (const key of schema["x-kubernetes-list-map-keys"] ?? []) expect(schema.items?.required, path).toContain(key);
    }
  });
});

describe("zod and CRD agree", () => {
  it.each(goodDocuments(read("specs/demo/release.yaml")))("on $name: accepted, and nothing is pruned", (one) => {
    expect(bothOn(one)).toEqual({ zod: [], crd: [] });
    expectWhole(one);
  });
  it.each(refusedDocuments())("on $kind, $name", (one) => {
    const { zod, crd } = bothOn(one);
    expect({ zod: zod.length > 0, crd: crd.length > 0 }, [...zod, ...crd].join("\n")).toEqual(
      FILES_ONLY.has(one.name) ? { zod: false, crd: false } : { zod: true, crd: true },
    );
  });
  it("on every release that may stand in a file", () => {
    fc.assert(
      fc.property(validRelease, (document) => {
        const one = { kind: "DiskImageRelease", document } as const;
        expect(bothOn(one)).toEqual({ zod: [], crd: [] });
        expectWhole(one);
      }),
      { numRuns: 50 },
    );
  });
  it.each(KINDS)("on documents of %s that are near a good one", (kind) => {
    const count = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(specsNear(kind), (spec) => {
        const text = JSON.stringify(spec);
        // a key that YAML files are refused for; an IPv6 address, whose form only the URL parser knows
        fc.pre(!text.includes("__proto__") && !/https?:\/\/\[/.test(text));
        const one = { kind, document: { ...typeOf(kind), metadata: { name: "demo" }, spec } };
        const { zod, crd } = bothOn(one);
        expect(crd.length > 0, `${text}\n${[...zod, ...crd].join("\n")}`).toBe(zod.length > 0);
        if (zod.length === 0) expectWhole(one);
        count[zod.length > 0 ? "refused" : "accepted"] += 1;
      }),
      { numRuns: 150 },
    );
    expect(Math.min(count.accepted, count.refused), JSON.stringify(count)).toBeGreaterThan(15);
  });
});

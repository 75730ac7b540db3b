import { type CelInput, celEnv, isCelError, parse, plan } from "@bufbuild/cel";
import { RE2JS } from "@bufbuild/re2";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import { field } from "../../controller/domain/crds/cel.ts";
import type { CustomResource } from "../../controller/domain/crds/custom-resource.ts";
import type { StructuralSchema } from "../../controller/domain/crds/structural-schema.ts";
import { isRecord } from "../../controller/domain/json-schema.ts";

// What the API server does with a custom resource under fieldValidation=Strict, as far as its schema decides it: drops
// null, refuses what pruning would take away, checks types and limits (patterns as RE2 reads them), and the CEL rules.
// test/system/crds.test.ts asks the real one the same.

export const schemaOf = (crd: CustomResource): StructuralSchema => {
  const [version] = crd.spec.versions;
  if (version === undefined) throw new Error(`${crd.metadata.name} has no version`);
  return version.schema.openAPIV3Schema;
};

const isFree = (schema: StructuralSchema): boolean =>
  schema.type === "object" && schema.properties === undefined && schema.additionalProperties === undefined;

/** A value without the fields that a structural schema does not know. Metadata has no schema here, and stays whole. */
export function prune(schema: StructuralSchema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => prune(items, item));
  }
  if (!isRecord(value) || isFree(schema)) return value;
  const known = Object.entries(value).flatMap(([key, member]) => {
    const below = schema.properties?.[key] ?? schema.additionalProperties;
    return below === undefined ? [] : [[key, prune(below, member)] as const];
  });
  return Object.fromEntries(known);
}

/** A value without fields that are null: none of ours is nullable, and the API server takes such a one as absent. */
export function withoutNull(schema: StructuralSchema | undefined, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutNull(schema?.items, item));
  if (!isRecord(value)) return value;
  const present = Object.entries(value).flatMap(([key, member]) => {
    const below = schema?.properties?.[key] ?? schema?.additionalProperties;
    return member === null && below !== undefined ? [] : [[key, withoutNull(below, member)] as const];
  });
  return Object.fromEntries(present);
}

const regExp = Object.assign((pattern: string) => RE2JS.compile(pattern), { code: "RE2JS.compile" });
const ajv = new Ajv({ strict: false, allErrors: true, code: { regExp } });
addFormats.default(ajv);
const validators = new WeakMap<StructuralSchema, ValidateFunction>();

function schemaFaults(schema: StructuralSchema, value: unknown): string[] {
  const validate = validators.get(schema) ?? ajv.compile(schema);
  validators.set(schema, validate);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}

const ENV = celEnv();
const rules = new Map<string, ReturnType<typeof plan>>();
function ruleOf(text: string): ReturnType<typeof plan> {
  const made = rules.get(text) ?? plan(ENV, parse(text));
  rules.set(text, made);
  return made;
}

/** A value as CEL has it: names of fields escaped, whole numbers as int. */
function celValue(schema: StructuralSchema, value: unknown): CelInput {
  if (Array.isArray(value)) return value.map((item) => celValue(schema.items ?? schema, item));
  if (isRecord(value)) {
    const entries = Object.entries(value).map(([key, member]): [string, CelInput] => {
      const below = schema.properties?.[key];
      if (below !== undefined) return [field("", key).slice(1), celValue(below, member)];
      return [key, celValue(schema.additionalProperties ?? { type: "object" }, member)];
    });
    return new Map(entries);
  }
  return typeof value === "number" ? BigInt(value) : (value as CelInput);
}

const keyOf = (schema: StructuralSchema, value: unknown): string =>
  JSON.stringify((schema["x-kubernetes-list-map-keys"] ?? []).map((key) => (isRecord(value) ? value[key] : undefined)));

function listFaults(schema: StructuralSchema, value: readonly unknown[], path: string): string[] {
  const keys =
    schema["x-kubernetes-list-type"] === "map"
      ? value.map((item) => keyOf(schema, item))
      : schema["x-kubernetes-list-type"] === "set"
        ? value.map((item) => JSON.stringify(item))
        : [];
  return new Set(keys).size === keys.length ? [] : [`${path}: an entry stands twice`];
}

type Change = { readonly value: unknown; readonly old: unknown };

/** What the rules at and below a field say; those with oldSelf only where the field was there before. */
function ruleFaults(schema: StructuralSchema, { value, old }: Change, path: string): string[] {
  const own = (schema["x-kubernetes-validations"] ?? []).flatMap(({ rule, message }) => {
    if (rule.includes("oldSelf") && old === undefined) return [];
    const bindings = { self: celValue(schema, value), oldSelf: old === undefined ? null : celValue(schema, old) };
    const result = ruleOf(rule)(bindings);
    if (isCelError(result)) return [`${path}: ${rule}: ${result.message}`];
    return result === true ? [] : [`${path}: ${message}`];
  });
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return own;
    const before: readonly unknown[] = schema["x-kubernetes-list-type"] === "map" && Array.isArray(old) ? old : [];
    const below = value.flatMap((item, index) => {
      const same = before.find((one) => keyOf(schema, one) === keyOf(schema, item));
      return ruleFaults(items, { value: item, old: same }, `${path}[${index}]`);
    });
    return [...own, ...listFaults(schema, value, path), ...below];
  }
  if (!isRecord(value)) return own;
  const below = Object.entries(value).flatMap(([key, member]) => {
    const next = schema.properties?.[key] ?? schema.additionalProperties;
    if (next === undefined) return [];
    return ruleFaults(next, { value: member, old: isRecord(old) ? old[key] : undefined }, `${path}.${key}`);
  });
  return [...own, ...below];
}

/**
 * Why an object would be refused; empty: it is accepted.
 * @param old what it replaces, in an update
 */
export function admissionFaults(crd: CustomResource, given: unknown, old?: unknown): string[] {
  const schema = schemaOf(crd);
  const value = withoutNull(schema, given);
  const [{ name: version } = { name: "" }] = crd.spec.versions;
  if (!isRecord(value) || value["kind"] !== crd.spec.names.kind) return ["kind: is another"];
  if (value["apiVersion"] !== `${crd.spec.group}/${version}`) return ["apiVersion: is another"];
  if (!isRecord(value["metadata"]) || typeof value["metadata"]["name"] !== "string")
    return ["metadata.name: is missing"];
  const wrong = schemaFaults(schema, value);
  if (wrong.length > 0) return wrong;
  if (JSON.stringify(prune(schema, value)) !== JSON.stringify(value)) return ["an unknown field"];
  return ruleFaults(schema, { value, old }, "");
}

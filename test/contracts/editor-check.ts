import { type AnySchema, Ajv2020 } from "ajv/dist/2020.js";

/** Whether a value meets a JSON Schema (draft 2020-12), as an editor finds it: patterns are read as Unicode. */
export const meetsSchema = (schema: AnySchema, value: unknown): boolean =>
  new Ajv2020({ strict: false, validateFormats: false }).compile(schema)(value) === true;

import { z } from "zod";
import { type DocumentPath, quote } from "./problem.ts";
import { type Fault, judgeText, type TextRule } from "./text-rule.ts";

/** The rule of each text field, for who writes it down in another language. */
export const textRules = z.registry<TextRule>();

/** A text field: its rule for documents, its pattern, description and example for editors and messages. */
export function text(rule: TextRule, description: string, example: string): z.ZodString {
  const schema = z
    .string()
    .superRefine((value, context) => {
      const fault = judgeText(rule, value);
      if (fault !== undefined) context.addIssue(customIssue([], fault));
    })
    .meta({
      pattern: rule.pattern.source,
      maxLength: rule.maxLength,
      patternErrorMessage: `must be ${rule.what}: ${rule.form}`,
      description,
      examples: [example],
    });
  textRules.add(schema, rule);
  return schema;
}

/** Tells a document about a fault at a path below the object that is checked. */
export type Complain = (path: DocumentPath, fault: Fault) => void;

/**
 * A rule between fields. It reads only what `needs` picks, so a mistake elsewhere in the object does not hide
 * what it has to say; where those fields themselves are wrong it stays silent, since they are reported already.
 */
export const crossRule = <T>(
  needs: z.ZodType<T>,
  judge: (value: T, complain: Complain) => void,
): z.core.$ZodCheck<unknown> =>
  z.superRefine<unknown>(
    (value, context) => {
      const parsed = needs.safeParse(value);
      if (parsed.success) judge(parsed.data, (path, fault) => context.addIssue(customIssue(path, fault)));
    },
    { when: () => true },
  );

/** A fault as zod carries it: explain-issue.ts takes it apart again. */
export const customIssue = (path: DocumentPath, fault: Fault) => ({
  code: "custom" as const,
  path: [...path],
  message: fault.message,
  params: { remedy: fault.remedy },
});

/** Says what editors and messages show for a field. */
export type FieldNotes = { readonly description: string; readonly example: unknown };

/** A list of texts in which none stands twice. `entry` is what one is called: "package". */
export const uniqueTexts = (
  item: z.ZodString,
  entry: string,
  size: { readonly min: number; readonly max: number },
  notes: FieldNotes,
): z.ZodArray<z.ZodString> =>
  z
    .array(item)
    .min(size.min)
    .max(size.max)
    .check(
      crossRule(z.array(z.unknown()), (values, complain) => {
        const seen = new Map<unknown, number>();
        values.forEach((value, index) => {
          const first = seen.get(value);
          if (first === undefined) seen.set(value, index);
          else if (typeof value === "string") {
            complain([index], {
              message: `${entry} ${quote(value)} stands twice, first as entry ${first}`,
              remedy: "remove one of the two",
            });
          }
        });
      }),
    )
    .meta({ description: notes.description, examples: [notes.example], uniqueItems: true });

/** A mapping from names that people choose to values of one form. */
export const entries = <V extends z.ZodType>(
  key: z.ZodString,
  value: V,
  size: { readonly min: number; readonly max: number },
  notes: FieldNotes,
): z.ZodRecord<z.ZodString, V> =>
  z
    .record(key, value)
    // without `when`: zod drops entries with a wrong key, so only a record without faults can be counted
    .superRefine((record, context) => {
      const count = Object.keys(record).length;
      if (count < size.min) {
        const remedy = `name at least ${size.min}, for example ${exampleOf(notes.example)}`;
        context.addIssue(customIssue([], { message: "is empty", remedy }));
      }
      if (count > size.max) {
        context.addIssue(customIssue([], { message: `has ${count} entries`, remedy: `use at most ${size.max}` }));
      }
    })
    .meta({
      description: notes.description,
      examples: [notes.example],
      minProperties: size.min,
      maxProperties: size.max,
    });

/** An example as it stands in YAML: plain where that is text for sure, else in JSON, which is YAML too. */
export const exampleOf = (example: unknown): string =>
  typeof example === "string" && /^[a-z][^#:]*(:\/\/[^#:]*)?$/i.test(example) ? example : JSON.stringify(example);

import { quote } from "./problem.ts";

/** What is wrong with a value and what to write instead: two plain clauses without a full stop. */
export type Fault = { readonly message: string; readonly remedy: string };

/** What one text field may hold. */
export type TextRule = {
  /** with its article: "a release name" */
  readonly what: string;
  readonly pattern: RegExp;
  readonly maxLength: number;
  /** the remedy where none more fitting is known: "write …" */
  readonly form: string;
  /** Names a mistake people are known to make. It must return undefined for every legal text. */
  readonly recognise?: (text: string) => Fault | undefined;
  /**
   * Texts that the pattern lets through and that are refused all the same. The API server checks these by data alone, so
   * what only `recognise` refuses must be here too; each message goes on from the text.
   */
  readonly never?: readonly (Fault & { readonly pattern: RegExp })[];
};

/** The first thing that is wrong with `text`, or undefined if the rule allows it. */
export function judgeText(rule: TextRule, text: string): Fault | undefined {
  if (text === "") return { message: `is empty, but must be ${rule.what}`, remedy: rule.form };
  // Before any pattern: no regular expression runs on a text of unbounded length.
  if (text.length > rule.maxLength) {
    return { message: `is ${text.length} characters long`, remedy: `use at most ${rule.maxLength}` };
  }
  const known = rule.recognise?.(text);
  if (known !== undefined) return known;
  const never = rule.never?.find(({ pattern }) => pattern.test(text));
  if (never !== undefined) return { message: `${quote(text)} ${never.message}`, remedy: never.remedy };
  if (rule.pattern.test(text)) return undefined;
  if (text !== text.trim() && rule.pattern.test(text.trim())) {
    return { message: `${quote(text)} has white space around it`, remedy: `write ${quote(text.trim())}` };
  }
  if (rule.pattern.test(text.toLowerCase())) {
    return { message: `${quote(text)} has upper-case letters`, remedy: `write ${text.toLowerCase()}` };
  }
  return { message: `${quote(text)} is not ${rule.what}`, remedy: rule.form };
}

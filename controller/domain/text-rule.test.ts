import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { textRules } from "./fields.ts";
import { jsonSchemaOf } from "./json-schema.ts";
import { VERSION } from "./names.ts";
import { StoredClass, StoredRelease, StoredSource } from "./stored-objects.ts";
import { judgeText, type TextRule } from "./text-rule.ts";

/** The rules of all text fields of our kinds. */
function rulesOfKinds(): TextRule[] {
  const rules = new Map<string, TextRule>();
  for (const schema of [StoredRelease, StoredClass, StoredSource]) {
    jsonSchemaOf(schema, (field) => {
      const rule = textRules.get(field) as TextRule | undefined;
      if (rule !== undefined) rules.set(`${rule.what} ${rule.pattern.source}`, rule);
    });
  }
  return [...rules.values()];
}

describe("a rule as data, which is all that an API server or an editor has of it", () => {
  const rules = rulesOfKinds();
  it("is there for every text field", () => {
    expect(rules.length).toBeGreaterThan(25);
  });
  it.each(rules)("says the same as its judgement: $what", (rule) => {
    const byData = (text: string): boolean =>
      text.length <= rule.maxLength &&
      rule.pattern.test(text) &&
      !(rule.never ?? []).some(({ pattern }) => pattern.test(text));
    const seeds = (rule.never ?? []).map(({ pattern }) => fc.stringMatching(pattern));
    const texts = fc.oneof(fc.stringMatching(rule.pattern), fc.string(), fc.constant("localhost"), ...seeds);
    fc.assert(
      fc.property(texts, (text) => {
        fc.pre(!/^https?:\/\/\[/.test(text)); // the form of an IPv6 address is the URL parser's alone
        expect(judgeText(rule, text) === undefined, text).toBe(byData(text));
      }),
      { numRuns: 200 },
    );
  });
});

it("says what a text may never be after what is known about it", () => {
  expect(judgeText(VERSION, "1.lock")).toEqual({
    message: '"1.lock" ends in .lock, which a git ref may not',
    remedy: "leave out .lock",
  });
});

import { describe, expect, it } from "vitest";
import { fakeSigning } from "../../test/fakes/signer.ts";
import { type Statement, STATEMENT_TYPE } from "../domain/statement.ts";
import { encodeBundle } from "../domain/publication.ts";
import { signedOnce } from "./signed-once.ts";

const signal = new AbortController().signal;
const statement = (name: string): Statement => ({
  _type: STATEMENT_TYPE,
  subject: [{ name, digest: { sha256: "0".repeat(64) } }],
  predicateType: "https://example/x",
  predicate: { b: 1, a: 2 },
});

describe("a statement that several targets have", () => {
  it("is signed once, by however many at a time, and another one anew", async () => {
    const { signer, signed } = fakeSigning();
    const once = signedOnce(signer);
    const [a, b] = [statement("a"), statement("b")];
    const [first, second] = await Promise.all([once.sign(a, signal), once.sign(a, signal)]);
    expect(second).toBe(first);
    expect(await once.sign(a, signal)).toBe(first);
    expect(signed.length).toBe(1);
    expect(await once.sign(b, signal)).not.toBe(first);
  });
  it("is not signed where it was found, and the first one found stays", async () => {
    const { signer, signed } = fakeSigning();
    const once = signedOnce(signer);
    const a = statement("a");
    const stored = encodeBundle("stored");
    once.remember(a, stored);
    once.remember(a, encodeBundle("stored by another target"));
    expect(await once.sign(a, signal)).toBe(stored);
    expect(signed).toEqual([]);
  });
  it("is tried again after a fault", async () => {
    const { signer } = fakeSigning();
    let down = true;
    const once = signedOnce({
      signStatement: async (...args) => {
        if (down) throw new Error("no answer");
        return signer.signStatement(...args);
      },
    });
    const a = statement("a");
    await expect(once.sign(a, signal)).rejects.toThrow("no answer");
    down = false;
    expect(new TextDecoder().decode((await once.sign(a, signal)).bytes)).toContain('"signer":"local"');
  });
});

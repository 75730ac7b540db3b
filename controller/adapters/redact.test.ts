import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { redact } from "./redact.ts";

describe("the value of a field is not written if its name says that it is secret", () => {
  test.each([
    "token",
    "GITEA_TOKEN",
    "idToken",
    "clientSecret",
    "password",
    "passwd",
    "passphrase",
    "authorization",
    "Proxy-Authorization",
    "credentials",
    "Set-Cookie",
    "privateKey",
    "private_key",
    "api-key",
    "accessKeyId",
    "signingKeyPem",
    "auth",
    "jwt",
  ])("%s", (name) => {
    expect(redact({ [name]: "s3cr3t" })).toEqual({ [name]: "[redacted]" });
    expect(redact({ a: [{ [name]: { deep: "s3cr3t" } }] })).toEqual({ a: [{ [name]: "[redacted]" }] });
  });
});

test.each(["publicKey", "keyring", "key", "author", "package", "pass", "keyId"])("%s is no secret", (name) => {
  expect(redact({ [name]: "value" })).toEqual({ [name]: "value" });
});

test("a secret that is not there stays visibly absent", () => {
  expect(redact({ token: undefined, password: null })).toEqual({ token: undefined, password: null });
});

test.each([
  ["git clone https://me:hunter2@example.test/a.git", "git clone https://[redacted]@example.test/a.git"],
  ["https://example.test/a@b", "https://example.test/a@b"],
  ["Authorization: Bearer abcdefgh.12345", "Authorization: Bearer [redacted]"],
  ["basic dXNlcjpodW50ZXIy", "basic [redacted]"],
  ["a basic idea", "a basic idea"],
])("%j is written as %j", (text, written) => {
  expect(redact({ text })).toEqual({ text: written });
});

test("an error is written with its cause, without the secrets of either", () => {
  const cause = Object.assign(new Error("GET https://u:hunter2@example.test failed"), { token: "hunter2" });
  const written = redact({ error: new TypeError("cannot push", { cause }) });
  expect(written).toMatchObject({
    error: {
      name: "TypeError",
      message: "cannot push",
      cause: { name: "Error", message: "GET https://[redacted]@example.test failed", token: "[redacted]" },
    },
  });
  expect(JSON.stringify(written)).not.toContain("hunter2");
});

test("what JSON cannot hold becomes something that it can", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  const written = redact({
    big: 2n ** 64n,
    bytes: new Uint8Array(5),
    map: new Map([["token", "hunter2"]]),
    set: new Set([1]),
    url: new URL("https://u:p@example.test/"),
    date: new Date(0),
    cycle,
  });
  expect(written).toMatchObject({
    big: "18446744073709551616",
    bytes: "[5 bytes]",
    map: { token: "[redacted]" },
    set: [1],
    url: "https://[redacted]@example.test/",
    date: new Date(0),
  });
  expect(JSON.stringify(written["cycle"])).toMatch(/^(\{"self":){7}"\[too deep\]"\}{7}$/);
});

test("wherever a secret hides, it is not written", () => {
  const secret = "correct-horse-battery-staple";
  const hiding = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constant({ token: secret }),
      fc.constant({ password: [secret, { a: secret }] }),
      fc.constant(`https://user:${secret}@example.test`),
      fc.constant(Object.assign(new Error(`Bearer ${secret}`), { clientSecret: secret })),
      fc.record({ a: tie("value"), b: tie("value") }),
      fc.array(tie("value"), { maxLength: 3 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom("a", "b", "c"), hiding.value), (fields) => {
      expect(JSON.stringify(redact(fields))).not.toContain(secret);
    }),
  );
});

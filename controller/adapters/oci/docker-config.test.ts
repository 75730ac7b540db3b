import { describe, expect, it } from "vitest";
import { credentialsFor } from "./docker-config.ts";

const auth = (pair: string) => ({ auth: Buffer.from(pair).toString("base64") });
const find = (config: unknown, registry = "registry.example", path = "powernode/images") =>
  credentialsFor(JSON.stringify(config), registry, path);

describe("credentials", () => {
  it.each([
    "registry.example",
    "https://registry.example",
    "https://registry.example/v2/",
    "http://registry.example/v1/",
    "registry.example/powernode",
    "registry.example/powernode/images",
  ])("are found under %s", (key) => {
    expect(find({ auths: { [key]: auth("user:pass:word") } })).toBe("user:pass:word");
  });
  it("are those of the nearest key", () => {
    const auths = {
      "registry.example": auth("registry:a"),
      "registry.example/powernode/images": auth("images:b"),
      "registry.example/powernode": auth("powernode:c"),
    };
    expect(find({ auths })).toBe("images:b");
    expect(find({ auths }, "registry.example", "powernode/other")).toBe("powernode:c");
    expect(find({ auths }, "registry.example", "powernode-too")).toBe("registry:a");
  });
  it.each(["registry.example:5000", "example", "other.registry.example", "registry.example.evil"])(
    "of another registry are not used: %s",
    (registry) => {
      expect(find({ auths: { "registry.example": auth("user:pass") } }, registry)).toBeUndefined();
    },
  );
  it("may be written out, or padded with NUL", () => {
    expect(find({ auths: { "registry.example": { username: "user", password: "pass" } } })).toBe("user:pass");
    expect(find({ auths: { "registry.example": auth("user:pass\0\0") } })).toBe("user:pass");
  });
  it("may be none", () => {
    expect(find({})).toBeUndefined();
    expect(find({ auths: {}, credsStore: "desktop", HttpHeaders: { a: "b" } })).toBeUndefined();
  });
  it.each([
    ["a helper has them", { credHelpers: { "registry.example": "pass" } }],
    ["the entry is empty", { auths: { "registry.example": {} } }],
    ["there is a token only", { auths: { "registry.example": { identitytoken: "x" } } }],
    ["they are no pair", { auths: { "registry.example": auth("password") } }],
    ["it is no configuration", { auths: { "registry.example": "password" } }],
  ])("are an error if %s, which does not repeat them", (_, config) => {
    const seen: { code?: string; message: string; cause?: unknown }[] = [];
    try {
      find(config);
    } catch (error) {
      seen.push(error as Error);
    }
    expect(seen).toMatchObject([{ code: "Unauthorized" }]);
    expect(JSON.stringify([seen[0]?.message, seen[0]?.cause])).not.toMatch(/password"|cGFzc3dvcmQ/);
  });
  it("are an error if the file is no JSON, whose text is not repeated", () => {
    const parse = () => credentialsFor('{"auths": "dXNlcjpwYXNz', "registry.example", "a");
    expect(parse).toThrow(expect.objectContaining({ code: "Unauthorized" }));
    expect(parse).not.toThrow(expect.objectContaining({ cause: expect.anything() }));
  });
});

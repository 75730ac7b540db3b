import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReleaseError } from "./errors.ts";
import { parseLocation } from "./repository-location.ts";

const strict = { allowHttp: false };

describe("where a repository is", () => {
  it.each([
    ["https://git.example/acme/releases.git", "https"],
    ["https://git.example:8443/acme/releases", "https"],
    ["ssh://git@git.example:2222/acme/releases.git", "ssh"],
    ["http://127.0.0.1:3000/releases.git", "http"],
    ["http://localhost/releases.git", "http"],
    ["http://[::1]:3000/releases.git", "http"],
    ["/srv/releases.git", "file"],
    ["./releases.git", "file"],
    ["../releases.git", "file"],
  ])("may be %s", (text, scheme) => {
    expect(parseLocation(text, strict)).toEqual({ scheme, address: text });
  });

  it("may be a file URL, which is its path", () => {
    expect(parseLocation("file:///srv/releases.git", strict)).toEqual({ scheme: "file", address: "/srv/releases.git" });
  });

  it("may be http elsewhere only where that is allowed", () => {
    const address = "http://git.example/releases.git";
    expect(() => parseLocation(address, strict)).toThrow(/anyone on the way can change/);
    expect(() => parseLocation("http://127.0.0.1.evil.example/r.git", strict)).toThrow(/anyone on the way/);
    expect(parseLocation(address, { allowHttp: true })).toEqual({ scheme: "http", address });
  });

  it.each([
    ["", "is empty"],
    ["releases.git", "is not a git repository"],
    ["git@git.example:acme/releases.git", "short form"],
    ["ext::sh -c touch% /tmp/x", "remote helper"],
    ["file://host/releases.git", "is file, not https"],
    ["git://git.example/releases.git", "is git, not https"],
    ["ssh://-oProxyCommand=x/releases.git", "is not a git repository"],
    ["--upload-pack=x", "is not a git repository"],
    ["https://git.example/releases.git?x=1", "query"],
  ])("may not be %j", (text, why) => {
    const attempt = () => parseLocation(text, { allowHttp: true });
    expect(attempt).toThrow(ReleaseError);
    expect(attempt).toThrow(why);
  });

  it("holds no password, and a message about one does not repeat it", () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9]{8,20}$/);
    fc.assert(
      fc.property(fc.constantFrom("https", "http", "ssh"), secret, (scheme, password) => {
        let message = "";
        try {
          parseLocation(`${scheme}://user:${password}@git.example/r.git`, { allowHttp: true });
        } catch (error) {
          message = String(error);
        }
        expect(message).toContain("carries credentials");
        expect(message).not.toContain(password);
      }),
    );
    expect(() => parseLocation("https://token@git.example/r.git", strict)).toThrow(/carries credentials/);
  });

  it("never begins like an option", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseLocation(text, { allowHttp: true }).address).not.toMatch(/^-/);
        } catch (error) {
          expect(error).toBeInstanceOf(ReleaseError);
        }
      }),
    );
  });
});

import { describe, expect, it } from "vitest";
import { accessTo } from "./remote-access.ts";

const trustingConfig = "/state/any-owner.gitconfig";
const https = { scheme: "https", address: "https://git.example:8443/acme/r.git" } as const;
const ssh = { scheme: "ssh", address: "ssh://git@git.example/r.git" } as const;
const key = { kind: "ssh-key", privateKey: "/keys/a b", knownHosts: "/keys/known_hosts" } as const;
const password = { kind: "password", file: "/keys/account; rm -rf" } as const;

describe("access to a remote repository", () => {
  it("is by its own protocol only, and follows no redirect", () => {
    for (const scheme of ["https", "http", "file"] as const) {
      const { env } = accessTo({ scheme, address: "/r.git" }, { trustingConfig });
      expect(env["GIT_ALLOW_PROTOCOL"]).toBe(scheme);
    }
    expect(accessTo(https, { trustingConfig }).config).toContain("http.followRedirects=false");
  });

  it("trusts a folder of another owner, and no other place", () => {
    const file = { scheme: "file", address: "/r.git" } as const;
    expect(accessTo(file, { trustingConfig }).env["GIT_CONFIG_GLOBAL"]).toBe(trustingConfig);
    expect(accessTo(https, { trustingConfig }).env).not.toHaveProperty("GIT_CONFIG_GLOBAL");
  });

  it("gives a password to its own server, from a file that no shell text names", () => {
    const { env, config } = accessTo(https, { trustingConfig, credentials: password });
    expect(env["IMGREL_GIT_CREDENTIAL"]).toBe(password.file);
    expect(config.filter((line) => line.includes("helper"))).toEqual([
      expect.stringMatching(/^credential\.https:\/\/git\.example:8443\.helper=!f\(\) \{/),
    ]);
    expect(config.join("\n")).not.toContain(password.file);
  });

  it("gives ssh one key, and takes no host that is not known", () => {
    const { env } = accessTo(ssh, { trustingConfig, credentials: key });
    expect(env).toMatchObject({ IMGREL_SSH_KEY: "/keys/a b", IMGREL_SSH_KNOWN_HOSTS: "/keys/known_hosts" });
    expect(env["GIT_SSH_COMMAND"]).toContain("-o StrictHostKeyChecking=yes");
    expect(env["GIT_SSH_COMMAND"]).not.toContain("/keys");
  });

  it.each(["keys/relative", '/a"b', "/a%h", "/a${HOME}", "/a\\b", "/a\nb"])("gives ssh no key at %j", (privateKey) => {
    expect(() => accessTo(ssh, { trustingConfig, credentials: { ...key, privateKey } })).toThrow(
      /cannot be given to ssh/,
    );
    expect(() => accessTo(ssh, { trustingConfig, credentials: { ...key, knownHosts: privateKey } })).toThrow(/to ssh/);
  });

  it("needs the kind of credentials that the server asks for", () => {
    const usage = { code: "Usage" };
    const thrown = (work: () => unknown): unknown => {
      try {
        return work();
      } catch (error) {
        return error;
      }
    };
    expect(thrown(() => accessTo(ssh, { trustingConfig }))).toMatchObject(usage);
    expect(thrown(() => accessTo(ssh, { trustingConfig, credentials: password }))).toMatchObject(usage);
    expect(thrown(() => accessTo(https, { trustingConfig, credentials: key }))).toMatchObject(usage);
  });
});

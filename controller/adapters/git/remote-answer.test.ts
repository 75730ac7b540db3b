import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReleaseError } from "../../domain/errors.ts";
import { pushFault, remoteFault } from "./remote-answer.ts";

const AT = "https://git.example/releases.git";

describe("what git says of a remote repository", () => {
  it.each([
    [`fatal: unable to access '${AT}/': Could not resolve host: git.example`, "RepositoryUnavailable"],
    [`fatal: unable to access '${AT}/': Failed to connect to git.example port 443 after 1 ms`, "RepositoryUnavailable"],
    [`fatal: unable to access '${AT}/': The requested URL returned error: 503`, "RepositoryUnavailable"],
    [`fatal: unable to access '${AT}/': The requested URL returned error: 429`, "RepositoryUnavailable"],
    ["error: RPC failed; curl 56 Recv failure: Connection reset by peer\nfatal: early EOF", "RepositoryUnavailable"],
    ["ssh: connect to host git.example port 22: Connection timed out", "RepositoryUnavailable"],
    ["fatal: couldn't find remote ref refs/heads/main", "RepositoryUnavailable"],
    ["something new", "RepositoryUnavailable"],
    [`fatal: Authentication failed for '${AT}/'`, "Unauthorized"],
    [`fatal: could not read Username for '${AT}': terminal prompts disabled`, "Unauthorized"],
    [`fatal: unable to access '${AT}/': The requested URL returned error: 403`, "Unauthorized"],
    ["git@git.example: Permission denied (publickey).\nfatal: Could not read from remote repository.", "Unauthorized"],
    ["No ED25519 host key is known for git.example.\nHost key verification failed.", "Unauthorized"],
    [`fatal: repository '${AT}/' not found`, "RepositoryUnusable"],
    ["fatal: '/srv/x' does not appear to be a git repository", "RepositoryUnusable"],
    [`fatal: unable to access '${AT}/': SSL certificate problem: self-signed certificate`, "RepositoryUnusable"],
    [
      "fatal: unable to access 'https://x/': server certificate verification failed. CAfile: none",
      "RepositoryUnusable",
    ],
    [`fatal: unable to access '${AT}/': The requested URL returned error: 302`, "RepositoryUnusable"],
    ["fatal: transport 'ext' not allowed", "RepositoryUnusable"],
  ])("is understood: %s", (said, code) => {
    const fault = remoteFault(AT, said);
    expect(fault.code).toBe(code);
    expect(fault.kind).toBe(code === "RepositoryUnavailable" ? "transient" : "permanent");
    expect(fault.remedy).not.toBe("");
  });

  it("is repeated without git's general advice", () => {
    const advice = "Please make sure you have the correct access rights\nand the repository exists.";
    const said = `ssh: connect to host h port 22: Connection refused\nfatal: Could not read from remote repository.\n\n${advice}`;
    expect(remoteFault(AT, said).message).toBe(`${AT}: connect to host h port 22: Connection refused`);
  });
});

describe("what git says of a push that failed", () => {
  const refused = (line: string, ...remote: string[]) =>
    [
      ...remote.map((text) => `remote: ${text}        `),
      `To ${AT}`,
      ` ! ${line}`,
      `error: failed to push some refs`,
    ].join("\n");

  it.each([
    "[rejected]        0123 -> main (non-fast-forward)",
    "[rejected]        0123 -> main (fetch first)",
    "[remote rejected] 0123 -> main (failed to update ref)",
    "[remote rejected] 0123 -> main (cannot lock ref 'refs/heads/main': is at 45 but expected 67)",
    "[remote rejected] 0123 -> main (incorrect old value provided)",
    "[remote rejected] 0123 -> main (reference already exists)",
  ])("is another writer: %s", (line) => {
    expect(pushFault(AT, refused(line))).toBe("overtaken");
  });

  it.each([
    "[remote rejected] 0123 -> main (pre-receive hook declined)",
    "[remote rejected] 0123 -> main (hook declined)",
    "[remote rejected] 0123 -> main (protected branch hook declined)",
    "[remote rejected] 0123 -> main (branch is currently checked out)",
  ])("is a rule of the server: %s", (line) => {
    expect(
      pushFault(AT, refused(line, "GH006: Protected branch update failed.", "", "Required: signatures")),
    ).toMatchObject({
      code: "PushDeclined",
      message: expect.stringContaining("GH006: Protected branch update failed.; Required: signatures") as string,
    });
    expect(pushFault(AT, refused(line))).toMatchObject({
      message: expect.stringContaining("does not say why") as string,
    });
  });

  it("is the server's trouble, or the network's", () => {
    const unpack = refused("[remote rejected] 0123 -> main (unpacker error)", "error: No space left on device");
    expect(pushFault(AT, unpack)).toMatchObject({ code: "RepositoryUnavailable" });
    expect(pushFault(AT, "send-pack: unexpected disconnect while reading sideband packet")).toMatchObject({
      code: "RepositoryUnavailable",
    });
    expect(pushFault(AT, `fatal: Authentication failed for '${AT}'`)).toMatchObject({ code: "Unauthorized" });
  });

  it("never brings credentials, control characters or long texts into a message", () => {
    const piece = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("remote: ", "\n", " ! [remote rejected] a -> b (x)"),
    );
    const secret = fc.constantFrom(
      "https://bot:hunter2@h/x",
      "Authorization: Basic aHVudGVyMg==",
      "bearer hunter2hunter2",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, secret)), (pieces) => {
        for (const answer of [pushFault(AT, pieces.join(" ")), remoteFault(AT, pieces.join("\n"))]) {
          if (answer === "overtaken") continue;
          const { message } = answer satisfies ReleaseError;
          expect(message).not.toMatch(/hunter2|aHVudGVyMg|\p{Cc}/u);
          expect(message.length).toBeLessThan(1200);
        }
      }),
    );
  });
});

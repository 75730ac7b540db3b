import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clusterSource } from "../../../test/fakes/cluster-objects.ts";
import { privateTexts } from "../local/private-texts.ts";
import type { ApiObject } from "./api-object.ts";
import { objectData } from "./object-data.ts";
import { sourceAccess } from "./source-access.ts";

const SIGNAL = new AbortController().signal;
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "source-"));
});
afterEach(() => rm(folder, { recursive: true }));

type Objects = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Reads a source's access in a namespace that has these Secrets (`Secret/<name>`) and ConfigMaps. */
function access(over: object, objects: Objects) {
  const get = async ({
    resource,
    name,
  }: {
    resource: { kind: string };
    name: string;
  }): Promise<ApiObject | undefined> => {
    const data = objects[`${resource.kind}/${name}`];
    if (data === undefined) return undefined;
    const encode = (text: string) => (resource.kind === "Secret" ? Buffer.from(text).toString("base64") : text);
    const metadata = { name, namespace: "imgrel-system", uid: "u", resourceVersion: "1" };
    return { metadata, data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, encode(text)])) };
  };
  return sourceAccess(
    clusterSource("releases", over),
    objectData({ get }, "imgrel-system", { monotonic: () => 0 }),
    privateTexts(folder),
    SIGNAL,
  );
}
const withSecret = (data: Readonly<Record<string, string>>) =>
  access({ credentialsRef: { name: "git" } }, { "Secret/git": data });

describe("what a source is reached with", () => {
  it("is nothing where it names nothing", async () => {
    expect(await access({}, {})).toEqual({ allowedSigners: null });
  });
  it("is a user name and a password, in a file", async () => {
    const { credentials } = await withSecret({ username: "bot", password: "s3cret" });
    if (credentials?.kind !== "password") throw new Error(credentials?.kind);
    expect(await readFile(credentials.file, "utf8")).toBe("username=bot\npassword=s3cret\n");
  });
  it("is an SSH key and the server's host keys", async () => {
    const { credentials } = await withSecret({ "ssh-privatekey": "KEY", known_hosts: "HOST" });
    if (credentials?.kind !== "ssh-key") throw new Error(credentials?.kind);
    expect(await readFile(credentials.privateKey, "utf8")).toBe("KEY");
    expect(await readFile(credentials.knownHosts, "utf8")).toBe("HOST");
  });
  it("includes CA, signing key and allowed signers by their documented keys, or others", async () => {
    const author = { name: "imgrel", email: "imgrel@example.org" };
    const { caFile, signingKey, allowedSigners } = await access(
      {
        caRef: { name: "ca", key: "root.pem" },
        writeBack: { author, signingKeyRef: { name: "commit" } },
        verify: { of: "SpecCommit", allowedSignersRef: { name: "signers" } },
      },
      {
        "ConfigMap/ca": { "root.pem": "PEM" },
        "Secret/commit": { "ssh-privatekey": "KEY" },
        "ConfigMap/signers": { allowed_signers: "alice ssh-ed25519 AAAA" },
      },
    );
    expect(await readFile(caFile ?? "", "utf8")).toBe("PEM");
    expect(await readFile(signingKey ?? "", "utf8")).toBe("KEY");
    expect(allowedSigners).toBe("alice ssh-ed25519 AAAA");
  });
});

describe("what cannot be read", () => {
  it.each<[string, object, Objects]>([
    ["the Secret git is not there", { credentialsRef: { name: "git" } }, {}],
    ["has neither username and password", { credentialsRef: { name: "git" } }, { "Secret/git": { username: "bot" } }],
    ["the entry ca.crt of the ConfigMap ca is not there", { caRef: { name: "ca" } }, { "ConfigMap/ca": {} }],
  ])("is said: %s", async (message, over, objects) => {
    await expect(access(over, objects)).rejects.toMatchObject({
      code: "InputMissing",
      message: expect.stringContaining(message) as string,
    });
  });
  it("a password of two lines is refused, and not shown", async () => {
    const fault = await withSecret({ username: "bot", password: "s3cret\n" }).catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: "KeyUnusable" });
    expect(String(fault)).not.toMatch("s3cret");
  });
});

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { exec } from "../../builders/host/exec.ts";
import { gitOn } from "../../controller/adapters/git/git.ts";
import { writeTrustingConfig } from "../../controller/adapters/git/mirror.ts";
import { remoteAt } from "../../controller/adapters/git/remote.ts";
import { accessTo } from "../../controller/adapters/git/remote-access.ts";
import { entryOf, recordRepositoryContract } from "../contracts/record-repository-contract.ts";
import { type FileServer, startFileServer } from "../fakes/file-server.ts";
import { gitAnswer, sendAnswer } from "../fakes/git-http.ts";
import { makeRemote, messagesOf, openOwn, openRemote } from "../repositories.ts";

const ACCOUNT = { user: "imgrel", password: "s3cr3t word" };
let folder = "";
let count = 0;
let server: FileServer;
/** answers in place of git, for one test; false: git answers */
let instead: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

async function answer(request: IncomingMessage, response: ServerResponse) {
  if (await instead(request, response)) return;
  sendAnswer(response, await gitAnswer(folder, request, ACCOUNT));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-test-"));
  server = await startFileServer((request, response) => void answer(request, response));
  await writeFile(join(folder, "account"), `username=${ACCOUNT.user}\npassword=${ACCOUNT.password}\n`);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

let name = "";
let directory = "";
beforeEach(async () => {
  count += 1;
  name = `${count}.git`;
  directory = await makeRemote(join(folder, name));
  instead = () => false;
});

const credentials = () => ({ kind: "password", file: join(folder, "account") }) as const;
const open = (mirrors = "ours") =>
  openRemote(new URL(name, server.url).href, join(folder, `${count}-${mirrors}`), { credentials: credentials() });
const entry = () => entryOf("demo", "release", { "status.yaml": "1" });
const bytes = (text: string) => new TextEncoder().encode(text);

recordRepositoryContract("a branch behind git's http server", async () => {
  const { records } = await open();
  const { records: rival } = await open("theirs");
  return { records, rival, messages: () => messagesOf(directory) };
});

describe("a look at a branch", () => {
  const options = { maxAge: 60_000 };
  const recent = (mirrors: string) =>
    openRemote(
      new URL(name, server.url).href,
      join(folder, `${count}-${mirrors}`),
      { credentials: credentials() },
      options,
    );
  const other = () => entryOf("other", "release", { "status.yaml": "2" });

  it("serves those that come soon after it, if that is wanted", async () => {
    const [{ records }, { records: rival }] = [await recent("ours"), await open("theirs")];
    await records.commit(entry());
    let looks = 0;
    instead = ({ url = "" }) => {
      if (url.includes("upload-pack")) looks += 1;
      return false;
    };
    const { commit } = await records.tip();
    expect(looks).toBe(0);
    await rival.commit(other());
    looks = 0;
    expect((await records.tip()).commit).toBe(commit);
    expect(looks).toBe(0);
    expect((await (await open("third")).records.tip()).commit).not.toBe(commit);
    expect(looks).toBeGreaterThan(0);
  });

  it("that is too old costs a commit another attempt, and nothing of others", async () => {
    const [{ records }, { records: rival }] = [await recent("ours"), await open("theirs")];
    await records.tip();
    await rival.commit(other());
    expect(await records.commit(entry())).toMatchObject({ changed: true });
    const tip = await records.tip();
    expect([...(await tip.readDirectory("records")).keys()].toSorted()).toEqual([
      "demo/status.yaml",
      "other/status.yaml",
    ]);
    expect(await messagesOf(directory)).toHaveLength(2);
  });

  it("is made anew for a commit of the specs that it does not know", async () => {
    const { specs } = await openOwn(directory);
    await specs.commit(async () => ({ changes: [{ path: "specs/a", content: "1" }], message: "one" }));
    const { specsAt } = await recent("ours");
    const first = (await specs.tip()).commit ?? "";
    expect((await specsAt(first))?.commit).toBe(first);
    const { commit } = await specs.commit(async () => ({
      changes: [{ path: "specs/a", content: "2" }],
      message: "two",
    }));
    expect((await specsAt(commit ?? ""))?.commit).toBe(commit);
    expect(await specsAt("f".repeat(40))).toBe(null);
  });
});

describe("a server", () => {
  it("that asks who we are is told by the file alone, and nobody is asked", async () => {
    const anonymous = openRemote(new URL(name, server.url).href, join(folder, `${count}-anonymous`));
    await expect(anonymous).rejects.toMatchObject({ code: "Unauthorized" });
    await writeFile(join(folder, "wrong"), "username=imgrel\npassword=wrong\n");
    const wrong = { kind: "password", file: join(folder, "wrong") } as const;
    const refused = openRemote(new URL(name, server.url).href, join(folder, `${count}-wrong`), { credentials: wrong });
    await expect(refused).rejects.toMatchObject({ code: "Unauthorized", kind: "permanent" });
    expect(await readFile(wrong.file, "utf8")).toBe("username=imgrel\npassword=wrong\n");
    const missing = { kind: "password", file: join(folder, "none") } as const;
    const nothing = openRemote(new URL(name, server.url).href, join(folder, "none"), { credentials: missing });
    await expect(nothing).rejects.toMatchObject({ code: "InputMissing" });
  });

  it("never makes us show the password to other processes", async () => {
    const seen: string[] = [];
    instead = async () => {
      for (const pid of (await readdir("/proc")).filter((name) => /^[0-9]+$/.test(name))) {
        for (const file of ["cmdline", "environ"]) {
          seen.push(await readFile(join("/proc", pid, file), "latin1").catch(() => ""));
        }
      }
      return false;
    };
    await (await open()).records.commit(entry());
    expect(seen.some((text) => text.includes("remote-http") && text.includes(name))).toBe(true);
    expect(seen.filter((text) => text.includes("s3cr3t"))).toEqual([]);
    for (const file of await readdir(join(folder, `${count}-ours`), { recursive: true, withFileTypes: true })) {
      if (file.isFile()) expect(await readFile(join(file.parentPath, file.name), "latin1")).not.toContain("s3cr3t");
    }
  });

  it("that is not there, or busy, may be asked again", async () => {
    const { records } = await open();
    instead = (_, response) => {
      response.writeHead(503).end("busy");
      return true;
    };
    const transient = { code: "RepositoryUnavailable", kind: "transient" };
    await expect(records.tip()).rejects.toMatchObject(transient);
    await expect(records.commit(entry())).rejects.toMatchObject(transient);
    await expect(open("new")).rejects.toMatchObject(transient);
    instead = () => false;
    expect(await records.commit(entry())).toMatchObject({ changed: true });
    const closed = await startFileServer(() => undefined);
    await closed[Symbol.asyncDispose]();
    await expect(openRemote(closed.url.href + name, join(folder, "closed"))).rejects.toMatchObject(transient);
  });

  it("that never answers is given up", async () => {
    instead = () => true;
    const address = new URL(name, server.url).href;
    const { env, config } = accessTo({ scheme: "http", address }, { trustingConfig: "/dev/null" });
    const impatient = config.map((setting) => setting.replace("lowSpeedTime=60", "lowSpeedTime=1"));
    expect(impatient).not.toEqual(config);
    const remote = remoteAt(gitOn(null), address, { env, config: impatient });
    await expect(remote.list("refs/heads/main")).rejects.toMatchObject({
      code: "RepositoryUnavailable",
      message: expect.stringContaining("too slow") as string,
    });
  });

  it("is asked once by all who wait for the same answer", async () => {
    const { specs } = await open();
    const asked = () => server.requests.filter((line) => line.includes(`${name}/info/refs`)).length;
    await specs.tip();
    const before = asked();
    await specs.tip();
    const each = asked() - before;
    await Promise.all(Array.from({ length: 20 }, () => specs.tip()));
    expect(asked() - before).toBe(2 * each);
    await specs.tip();
    expect(asked() - before).toBe(3 * each);
  });

  it("without this repository is not", async () => {
    await rm(directory, { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: "RepositoryUnusable", kind: "permanent" });
    await expect(openRemote(directory, join(folder, "nowhere"))).rejects.toMatchObject({ code: "RepositoryUnusable" });
  });

  it("cannot send us elsewhere", async () => {
    await using other = await startFileServer((_, response) => void response.writeHead(404).end());
    instead = (request, response) => {
      response.writeHead(302, { location: new URL(request.url ?? "/", other.url).href }).end();
      return true;
    };
    await expect(open()).rejects.toMatchObject({
      code: "RepositoryUnusable",
      remedy: expect.stringContaining("redirect") as string,
    });
    expect(other.requests).toEqual([]);
  });

  it("whose answer to a push is lost has one commit: it is found by its key", async () => {
    const { records } = await open();
    instead = async (request, response) => {
      if (request.method !== "POST" || request.url?.endsWith("git-receive-pack") !== true) return false;
      const { status } = await gitAnswer(folder, request, ACCOUNT);
      expect(status).toBe(200);
      response.destroy();
      return true;
    };
    await expect(records.commit(entry())).rejects.toMatchObject({ code: "RepositoryUnavailable" });
    instead = () => false;
    const again = await records.commit({
      ...entry(),
      propose: async () => [{ path: "records/demo/x", content: "other" }],
    });
    const tip = (await gitOn(directory).run(["rev-parse", "release-records"])).trim();
    expect(again).toEqual({ commit: tip, changed: false });
    expect(await messagesOf(directory)).toHaveLength(1);
  });

  it("of https must have a certificate of the CA that was named", async () => {
    const [key, caFile] = [join(folder, "key.pem"), join(folder, "ca.pem")];
    const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    const args = [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "1",
      ...names,
    ];
    const made = await exec({ program: "openssl", args: [...args, "-keyout", key, "-out", caFile] });
    expect(made.exitCode, made.tail).toBe(0);
    const options = { key: await readFile(key), cert: await readFile(caFile) };
    const secure = createServer(options, (request, response) => void answer(request, response));
    await new Promise<void>((listening) => secure.listen(0, "127.0.0.1", listening));
    try {
      const location = `https://127.0.0.1:${(secure.address() as AddressInfo).port}/${name}`;
      const stranger = openRemote(location, join(folder, "stranger"), { credentials: credentials() });
      await expect(stranger).rejects.toMatchObject({
        code: "RepositoryUnusable",
        remedy: expect.stringContaining("CA") as string,
      });
      const { records } = await openRemote(location, join(folder, "known"), { credentials: credentials(), caFile });
      expect(await records.commit(entry())).toMatchObject({ changed: true });
    } finally {
      secure.close();
      secure.closeAllConnections();
    }
  });
});

describe("a repository of others", () => {
  it("holds specs that are read and never written", async () => {
    const { specs: theirs } = await openOwn(directory);
    const content = "version: 1";
    await theirs.commit(async () => ({ changes: [{ path: "specs/demo/release.yaml", content }], message: "m" }));
    const { specs } = await openRemote(directory, join(folder, `${count}-mirrors`));
    const { commit } = await specs.tip();
    const propose = (content: string | null) => async () => ({
      changes: [{ path: "specs/demo/release.yaml", content }],
      message: "ours",
    });
    expect(await specs.commit(propose(content))).toEqual({ commit, changed: false });
    expect(await specs.commit(async () => null)).toEqual({ commit, changed: false });
    for (const change of ["version: 2", null]) {
      await expect(specs.commit(propose(change))).rejects.toMatchObject({
        code: "NotFound",
        message: expect.stringContaining("specs/demo/release.yaml") as string,
      });
    }
    expect(await (await theirs.tip()).readFile("specs/demo/release.yaml")).toEqual(bytes(content));
  });

  it("may hold records on the branch of specs", async () => {
    const options = { recordsBranch: "main" };
    const { specs: theirs } = await openOwn(directory);
    await theirs.commit(async () => ({ changes: [{ path: "specs/a", content: "1" }], message: "m" }));
    const { specs, records } = await openRemote(directory, join(folder, `${count}-mirrors`), {}, options);
    await records.commit(entry());
    expect((await specs.tip()).commit).toBe((await records.tip()).commit);
    expect(await (await theirs.tip()).readFile("records/demo/status.yaml")).toEqual(bytes("1"));
    await gitOn(directory).run(["update-ref", "refs/heads/main", "refs/heads/main^"]);
    await expect(specs.tip()).rejects.toMatchObject({ code: "RecordInvalid" });
  });

  it("may have refs whose names end like ours", async () => {
    const { commit } = await (await openOwn(directory)).records.commit(entry());
    await gitOn(directory).run(["update-ref", "-d", "refs/heads/release-records"]);
    await gitOn(directory).run(["update-ref", "refs/backup/refs/heads/release-records", commit ?? ""]);
    const { records } = await openRemote(directory, join(folder, `${count}-mirrors`));
    expect((await records.tip()).commit).toBeNull();
  });

  it("may have SHA-256 objects", async () => {
    await rm(directory, { recursive: true });
    await gitOn(null).run(["init", "--quiet", "--bare", "--object-format=sha256", directory]);
    const { specs: theirs } = await openOwn(directory);
    await theirs.commit(async () => ({ changes: [{ path: "specs/a", content: "1" }], message: "m" }));
    const { records } = await openRemote(directory, join(folder, `${count}-mirrors`));
    expect((await records.commit(entry())).commit).toMatch(/^[0-9a-f]{64}$/);
    expect(await (await records.tip()).readFile("records/demo/status.yaml")).toEqual(bytes("1"));
  });

  it("may be a folder of another owner, as under sudo", async () => {
    const env = { GIT_TEST_ASSUME_DIFFERENT_OWNER: "1" };
    const listed = (access: { readonly env: Readonly<Record<string, string>> }) =>
      gitOn(null).run(["ls-remote", directory], { env: { ...access.env, ...env } });
    await expect(listed({ env: {} })).rejects.toThrow(/dubious ownership/);
    const trustingConfig = await writeTrustingConfig(join(folder, `${count}-mirrors`));
    expect(await listed(accessTo({ scheme: "file", address: directory }, { trustingConfig }))).toBe("");
  });

  it("may be named by a path relative to where we are, and not by a URL that git runs programs for", async () => {
    const { records } = await openRemote(`./${name}`, join(folder, `${count}-mirrors`), { cwd: folder });
    await records.commit(entry());
    expect(await messagesOf(directory)).toHaveLength(1);
    await expect(openRemote("ext::sh -c x", join(folder, "x"))).rejects.toMatchObject({ code: "Usage" });
    await expect(openRemote("http://git.example/r.git", join(folder, "x"))).rejects.toMatchObject({ code: "Usage" });
  });
});

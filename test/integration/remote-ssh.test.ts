import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PLAIN_ENV } from "../../builders/host/exec.ts";
import { mirroredBranch, openMirror } from "../../controller/adapters/git/mirror.ts";
import { recordRepository } from "../../controller/adapters/git/record-repository.ts";
import { accessTo } from "../../controller/adapters/git/remote-access.ts";
import { entryOf } from "../contracts/record-repository-contract.ts";
import { makeRemote, messagesOf, openRemote, REPOSITORY_OPTIONS } from "../repositories.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel test-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const entry = entryOf("demo", "release", { "status.yaml": "1" });

/** Names of files with blanks, which both shell and ssh must leave whole: ssh joins several files by one. */
async function credentials() {
  const [privateKey, knownHosts] = [join(folder, "the key"), join(folder, "known  hosts")];
  for (const path of [privateKey, knownHosts]) await writeFile(path, "", { mode: 0o600 });
  return { kind: "ssh-key", privateKey, knownHosts } as const;
}

describe("a repository behind ssh", () => {
  it("is read and written by an ssh that knows one key, these hosts and no configuration", async () => {
    // stands in for the connection: notes how ssh understood its options (ssh(1), -G), and runs the command here
    const programs = join(folder, "bin");
    await mkdir(programs);
    const [settings, command] = [join(folder, "settings"), join(folder, "command")];
    const script = `/usr/bin/ssh -G "$@" >'${settings}'; for last; do :; done; echo "$last" >'${command}'; eval "$last"`;
    await writeFile(join(programs, "ssh"), `#!/bin/sh\n${script}\n`);
    await chmod(join(programs, "ssh"), 0o755);

    const remote = await makeRemote(join(folder, "remote.git"));
    const address = `ssh://git@git.example:2222${remote.replaceAll(" ", "%20")}`;
    const given = await credentials();
    const access = accessTo({ scheme: "ssh", address }, { credentials: given, trustingConfig: "/dev/null" });
    const env = { ...access.env, PATH: `${programs}:${PLAIN_ENV["PATH"]}` };
    const mirror = await openMirror(join(folder, "mirror.git"), address, { ...access, env });
    const records = recordRepository(mirroredBranch(mirror, "release-records", true), REPOSITORY_OPTIONS);
    await records.commit(entry);
    expect(await messagesOf(remote)).toHaveLength(1);
    expect((await records.tip()).commit).toMatch(/^[0-9a-f]{40}$/);

    expect(await readFile(command, "utf8")).toMatch(/^git-upload-pack '/);
    const understood = new Map(
      (await readFile(settings, "utf8")).split("\n").map((line) => {
        const [name = "", ...value] = line.split(" ");
        return [name, value.join(" ")] as const;
      }),
    );
    const wanted = {
      user: "git",
      hostname: "git.example",
      port: "2222",
      batchmode: "yes",
      identitiesonly: "yes",
      identityagent: "none",
      identityfile: given.privateKey,
      userknownhostsfile: given.knownHosts,
      globalknownhostsfile: "/dev/null",
      stricthostkeychecking: "true",
    };
    for (const [name, value] of Object.entries(wanted)) expect(understood.get(name), name).toBe(value);
  });

  it("that cannot be reached may be tried again", async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as AddressInfo;
    const open = async () =>
      openRemote(`ssh://git@127.0.0.1:${port}/r.git`, join(folder, "mirrors"), { credentials: await credentials() });
    const transient = { code: "RepositoryUnavailable", kind: "transient" };
    await expect(open()).rejects.toMatchObject(transient);
    await new Promise((closed) => server.close(closed));
    await expect(open()).rejects.toMatchObject(transient);
  });

  it("needs files that are there", async () => {
    const given = { ...(await credentials()), knownHosts: join(folder, "none") };
    const attempt = openRemote("ssh://git@127.0.0.1:1/r.git", join(folder, "mirrors"), { credentials: given });
    await expect(attempt).rejects.toMatchObject({ code: "InputMissing", message: `cannot read ${given.knownHosts}` });
  });
});

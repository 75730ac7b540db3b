import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exec } from "../../builders/host/exec.ts";
import { gitOn } from "../../controller/adapters/git/git.ts";
import { writeCommit } from "../../controller/adapters/git/write-commit.ts";
import { ReleaseError } from "../../controller/domain/errors.ts";
import { parseRecordTrailers } from "../../controller/domain/record-commit.ts";
import type { RecordEntry, RecordRepository } from "../../controller/ports/record-repository.ts";
import { entryOf } from "../contracts/record-repository-contract.ts";
import { makeRemote, messagesOf, openOwn, openRemote, REPOSITORY_OPTIONS } from "../repositories.ts";

let folder = "";
let remote = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-test-"));
  remote = await makeRemote(join(folder, "remote.git"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const BRANCH = "refs/heads/release-records";
const git = async (...args: string[]) => (await gitOn(remote).run(args)).trim();
const open = async (mirrors = "mirrors") => (await openRemote(remote, join(folder, mirrors))).records;
const bytes = (text: string) => new TextEncoder().encode(text);

async function hook(name: string, script: string) {
  await mkdir(join(remote, "hooks"), { recursive: true });
  await writeFile(join(remote, "hooks", name), `#!/bin/sh\n${script}\n`);
  await chmod(join(remote, "hooks", name), 0o755);
}

/** Commits as a reconciler does: again later where other writers won. */
async function persist(records: RecordRepository, entry: RecordEntry): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    try {
      await records.commit(entry);
      return tries;
    } catch (error) {
      if (!(error instanceof ReleaseError) || error.kind !== "transient") throw error;
    }
  }
}

/** Eight writers that commit five entries each, one after the other. */
async function race(writers: readonly RecordRepository[]) {
  await Promise.all(
    writers.map(async (records, writer) => {
      for (let round = 0; round < 5; round += 1) {
        await persist(records, entryOf(`w${writer}`, `${round}`, { [`${round}.json`]: `${writer}` }));
      }
    }),
  );
  const files = await (await open("reader")).tip().then((tip) => tip.readDirectory("records"));
  expect(files.size).toBe(40);
  expect(await git("rev-list", "--merges", BRANCH)).toBe("");
  const keys = (await messagesOf(remote)).flatMap((message) => parseRecordTrailers(message));
  expect(new Set(keys.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(40);
  expect(keys).toHaveLength(40);
}

describe("writers of one branch", () => {
  it("tell how each push ended, and after how many attempts", async () => {
    const told: [result: string, attempts: number][] = [];
    const onPush = (result: string, attempts: number) => void told.push([result, attempts]);
    const { records } = await openRemote(remote, join(folder, "counted"), {}, { pause: () => 1, onPush });
    const commit = (key: string) => records.commit(entryOf("demo", key, { "a.json": key }));
    await commit("first");
    await commit("first"); // it is there: nothing is pushed
    await writeFile(join(remote, `${BRANCH}.lock`), "");
    await expect(commit("second")).rejects.toMatchObject({ code: "PushConflict" });
    await rm(join(remote, `${BRANCH}.lock`));
    await hook("pre-receive", "exit 1");
    await expect(commit("third")).rejects.toMatchObject({ code: "PushDeclined" });
    expect(told).toEqual([
      ["pushed", 1],
      ["PushConflict", 8],
      ["PushDeclined", 1],
    ]);
  });

  it(
    "in eight processes lose nothing",
    async () => {
      const writers = Array.from({ length: 8 }, (_, index) =>
        openRemote(
          remote,
          join(folder, `mirrors-${index}`),
          {},
          { pause: (retry) => (50 + Math.random() * 150) * retry },
        ),
      );
      await race((await Promise.all(writers)).map(({ records }) => records));
      expect(await messagesOf(remote)).toHaveLength(40);
    },
    5 * 60_000,
  );

  it("in one process share commits", async () => {
    const records = await open();
    await race(Array.from({ length: 8 }, () => records));
    expect((await messagesOf(remote)).length).toBeLessThan(20);
  });

  it("in one process put at most 50 entries into one commit", async () => {
    const records = await open();
    const entries = Array.from({ length: 53 }, (_, index) => entryOf(`r${index}`, "release", { "status.yaml": "1" }));
    await Promise.all(entries.map((entry) => records.commit(entry)));
    const messages = await messagesOf(remote);
    expect(messages.map((message) => parseRecordTrailers(message).length)).toEqual([1, 50, 2]);
    expect(messages[1]).toMatch(/^Record 50 releases\n\n\* r1: release\n\* r2: release\n/);
  });
});

describe("entries of one commit", () => {
  it("are all asked again when another writer was faster, those that failed as well", async () => {
    const records = await open();
    const rival = await open("theirs");
    const change = (name: string) => [{ path: `records/${name}/a.json`, content: "1" }];
    const [first, second] = [entryOf("a", "release", {}), entryOf("b", "release", {})];
    let asked = 0;
    const outcomes = await Promise.all([
      records.commit(entryOf("before", "release", { "a.json": "1" })),
      records.commit({
        ...first,
        propose: async () => {
          asked += 1;
          if (asked === 1) await rival.commit(entryOf("rival", "release", { "a.json": "1" }));
          return change("a");
        },
      }),
      records.commit({
        ...second,
        propose: async (tip) => {
          if ((await tip.readFile("records/rival/a.json")) === null) throw new Error("not yet");
          return change("b");
        },
      }),
    ]);
    expect(outcomes.map(({ changed }) => changed)).toEqual([true, true, true]);
    expect(outcomes[1]?.commit).toBe(outcomes[2]?.commit);
  });
});

describe("a crash", () => {
  /** A process that commits the entry of "demo" from our state folder; `onWait` is told when its first push failed. */
  function child(signal: AbortSignal, onWait: () => void) {
    const module = (path: string) => JSON.stringify(join(import.meta.dirname, path));
    const script = `const { openRemote } = await import(${module("../repositories.ts")});
      const pause = () => (console.log("waiting"), 60_000);
      const { records } = await openRemote(...${JSON.stringify([remote, join(folder, "mirrors")])}, {}, { pause });
      const propose = async () => [{ path: "records/demo/status.yaml", content: "1" }];
      await records.commit({ ...${JSON.stringify(entryOf("demo", "release", {}))}, propose });`;
    const args = ["--input-type=module", "-e", script];
    return exec({ program: process.execPath, args, signal, onLine: (line) => line === "waiting" && onWait() });
  }
  const until = async (condition: () => Promise<boolean>) => {
    while (!(await condition())) await sleep(20);
  };
  const exists = (path: string) =>
    stat(path).then(
      () => true,
      () => false,
    );

  it("between commit and ref leaves no trace: the next attempt makes the same content, in one commit", async () => {
    const lock = join(remote, `${BRANCH}.lock`);
    await writeFile(lock, ""); // holds the writer where the branch would move
    const killer = new AbortController();
    const ended = child(killer.signal, () => killer.abort());
    await expect(ended).rejects.toThrow(/abort/i);
    await rm(lock);
    const records = await open();
    expect((await records.tip()).commit).toBeNull();
    await records.commit(entryOf("demo", "release", { "status.yaml": "1" }));
    expect(await messagesOf(remote)).toHaveLength(1);
    expect(await git("ls-tree", "-r", "--name-only", BRANCH)).toBe("records/demo/status.yaml");
  });

  it("in the middle of a push, which lands later or never, leaves one commit", async () => {
    const [begun, go] = [join(folder, "begun"), join(folder, "go")];
    // the first push waits at the server until it is told to go on
    await hook(
      "pre-receive",
      `[ -e '${begun}' ] || { echo $PPID >'${begun}'; while ! [ -e '${go}' ]; do sleep 0.05; done; }`,
    );
    const killer = new AbortController();
    const ended = child(killer.signal, () => undefined);
    await until(() => exists(begun));
    killer.abort();
    await expect(ended).rejects.toThrow(/abort/i);
    const records = await open();
    const outcome = await records.commit(entryOf("demo", "release", { "status.yaml": "1" }));
    await writeFile(go, "");
    const receiver = (await readFile(begun, "utf8")).trim();
    await until(async () => !(await exists(join("/proc", receiver))));
    expect(await records.commit(entryOf("demo", "release", { "status.yaml": "2" }))).toMatchObject({ changed: false });
    expect((await messagesOf(remote)).length).toBe(1);
    expect(outcome.commit).toBe(await git("rev-parse", BRANCH));
  });

  it("of another writer that left a lock is PushConflict, and says what to do", async () => {
    await (await open()).commit(entryOf("demo", "release", { "a.json": "1" }));
    await writeFile(join(remote, `${BRANCH}.lock`), "");
    const attempt = (await open()).commit(entryOf("demo", "later", { "a.json": "2" }));
    await expect(attempt).rejects.toMatchObject({
      code: "PushConflict",
      remedy: expect.stringContaining("lock") as string,
    });
    await rm(join(remote, `${BRANCH}.lock`));
    await (await open()).commit(entryOf("demo", "later", { "a.json": "2" }));
    expect(await messagesOf(remote)).toHaveLength(2);

    const own = join(folder, "own.git");
    const { records } = await openOwn(own);
    await mkdir(join(own, "refs", "heads"), { recursive: true });
    await writeFile(join(own, `${BRANCH}.lock`), "");
    await expect(records.commit(entryOf("demo", "release", { "a.json": "1" }))).rejects.toMatchObject({
      code: "PushConflict",
      remedy: expect.stringContaining(join(own, `${BRANCH}.lock`)) as string,
    });
  });

  it("that left a lock in the mirror hinders nobody for long", async () => {
    await (await open()).commit(entryOf("demo", "release", { "a.json": "1" }));
    const [mirror = ""] = (await readdir(join(folder, "mirrors"))).filter((name) => name.endsWith(".git"));
    const lock = join(folder, "mirrors", mirror, "refs", "imgrel", "seen", "release-records.lock");
    await writeFile(lock, "");
    await (await open("elsewhere")).commit(entryOf("demo", "later", { "a.json": "2" }));
    const records = await open();
    await expect(records.tip()).rejects.toMatchObject({ code: "RepositoryUnavailable", kind: "transient" });
    const before = new Date(Date.now() - 60_000);
    await utimes(lock, before, before);
    expect(await (await records.tip()).readFile("records/demo/a.json")).toEqual(bytes("2"));
  });
});

describe("a protected branch", () => {
  it("is PushDeclined, with the server's first words and none of its secrets", async () => {
    const secret = "echo 'see https://bot:hunter2@forge.example/rules' >&2";
    await hook("pre-receive", `echo 'release-records is protected' >&2; ${secret}; seq 1 2000 >&2; exit 1`);
    const records = await open();
    const error = await records.commit(entryOf("demo", "release", { "a.json": "1" })).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(error).toMatchObject({ code: "PushDeclined", kind: "permanent" });
    const { message } = error as ReleaseError;
    expect(message).toContain("(pre-receive hook declined): release-records is protected; see https://");
    expect(message).not.toContain("hunter2");
    expect(message.length).toBeLessThan(800);
    expect(await git("for-each-ref")).toBe("");
  });

  it("that refuses one entry does not refuse those that waited with it", async () => {
    await hook(
      "update",
      'git ls-tree -r --name-only "$3" | grep -q records/bad/ || exit 0; echo "not bad" >&2; exit 1',
    );
    const records = await open();
    const results = await Promise.allSettled(
      ["first", "good", "bad", "better"].map((name) => records.commit(entryOf(name, "release", { "a.json": "1" }))),
    );
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"]);
    expect(results[2]).toMatchObject({ reason: { code: "PushDeclined" } });
    expect((await (await records.tip()).list("records")).map(({ name }) => name)).toEqual(["better", "first", "good"]);
  });
});

describe("a history that somebody rewrote", () => {
  /** Somebody's commit on `parent`, forced onto the branch. */
  async function force(parent: string | null) {
    const blob = (await gitOn(remote).run(["hash-object", "-w", "--stdin"], { input: "theirs" })).trim();
    const inner = (await gitOn(remote).run(["mktree"], { input: `100644 blob ${blob}\ta.json\n` })).trim();
    const middle = (await gitOn(remote).run(["mktree"], { input: `040000 tree ${inner}\ttheirs\n` })).trim();
    const tree = (await gitOn(remote).run(["mktree"], { input: `040000 tree ${middle}\trecords\n` })).trim();
    const commit = await writeCommit(gitOn(remote), { parent, tree, message: "m" }, REPOSITORY_OPTIONS.committer);
    await git("update-ref", BRANCH, commit);
    return commit;
  }

  it("before anything of it was seen is committed on: ours is made anew", async () => {
    const records = await open();
    const base = (await records.commit(entryOf("demo", "release", { "a.json": "1" }))).commit;
    let asked = 0;
    const { commit } = await records.commit({
      ...entryOf("demo", "later", {}),
      propose: async () => {
        asked += 1;
        if (asked === 1) await force(await force(base)); // two commits of theirs
        if (asked === 1) await force(base); // and one of them forced away, before anyone fetched it
        return [{ path: "records/demo/b.json", content: "1" }];
      },
    });
    expect(asked).toBeGreaterThan(1);
    expect(await git("rev-parse", BRANCH)).toBe(commit);
    expect(await git("ls-tree", "-r", "--name-only", BRANCH)).toBe("records/demo/b.json\nrecords/theirs/a.json");
  });

  it.each([
    ["to an older commit", async (first: string) => void (await git("update-ref", BRANCH, first))],
    ["to another history", async () => void (await force(null))],
    ["by removing the branch", async () => void (await git("update-ref", "-d", BRANCH))],
  ])("%s is noticed, and nothing is written until the commit is back", async (_, rewrite) => {
    const records = await open();
    const first = (await records.commit(entryOf("demo", "release", { "a.json": "1" }))).commit ?? "";
    const second = (await records.commit(entryOf("demo", "later", { "a.json": "2" }))).commit ?? "";
    await rewrite(first);
    const lost = { code: "RecordInvalid", message: expect.stringContaining(second) as string };
    await expect(records.tip()).rejects.toMatchObject(lost);
    const entry = entryOf("other", "release", { "a.json": "1" });
    await expect(records.commit(entry)).rejects.toMatchObject(lost);
    // a new process in the same state folder still knows
    await expect((await open()).commit(entry)).rejects.toMatchObject(lost);
    await git("update-ref", BRANCH, second);
    expect(await records.commit(entry)).toMatchObject({ changed: true });
    expect(await git("rev-parse", `${BRANCH}^`)).toBe(second);
  });

  it("is no fault on the branch of specs, which people write", async () => {
    const { specs } = await openRemote(remote, join(folder, "mirrors"));
    const write = async (content: string) => {
      const { specs } = await openOwn(remote);
      await specs.commit(async () => ({ changes: [{ path: "specs/a", content }], message: "m" }));
    };
    await write("1");
    await write("2");
    expect(await (await specs.tip()).readFile("specs/a")).toEqual(bytes("2"));
    await git("update-ref", "refs/heads/main", await git("rev-parse", "refs/heads/main^"));
    expect(await (await specs.tip()).readFile("specs/a")).toEqual(bytes("1"));
    await git("update-ref", "-d", "refs/heads/main");
    expect((await specs.tip()).commit).toBeNull();
  });
});

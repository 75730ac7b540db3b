import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf, sha256Hex } from "../../../builders/contract/digest.ts";
import type { SeenIndex } from "../../domain/check-record-list.ts";
import { localSeenIndices, userStateFolder } from "./seen-indices.ts";

const signal = new AbortController().signal;
const OWNER = { repository: "git+file:repository.git", keySha256: sha256Hex("key") };
const seen = (version: number): SeenIndex => ({ schemaVersion: 1, version, digest: digestOf(`${version}`) });
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "seen-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("the indices that a user verified", () => {
  it("are remembered by owner, and never go back", async () => {
    const indices = localSeenIndices(join(folder, "state"));
    expect(await indices.read(OWNER)).toBeNull();
    await indices.write(OWNER, seen(3), signal);
    await indices.write(OWNER, seen(2), signal);
    expect(await indices.read(OWNER)).toEqual(seen(3));
    await Promise.all([5, 4, 6].map((version) => indices.write(OWNER, seen(version), signal)));
    expect(await localSeenIndices(join(folder, "state")).read(OWNER)).toEqual(seen(6));
    for (const other of [{ repository: "git+https://git.example/x" }, { keySha256: sha256Hex("other") }]) {
      expect(await indices.read({ ...OWNER, ...other })).toBeNull();
    }
  });
  it("are not forgotten because their file is damaged", async () => {
    const indices = localSeenIndices(folder);
    await indices.write(OWNER, seen(3), signal);
    const [file = ""] = (await readdir(join(folder, "indices"))).filter((name) => name.endsWith(".json"));
    await writeFile(join(folder, "indices", file), "{}");
    await expect(indices.read(OWNER)).rejects.toMatchObject({ code: "RecordInvalid" });
  });
  it("are in the user's state", () => {
    expect(userStateFolder({ XDG_STATE_HOME: "/state", HOME: "/home/u" })).toBe("/state/imgrel");
    expect(userStateFolder({ XDG_STATE_HOME: "relative", HOME: "/home/u" })).toBe("/home/u/.local/state/imgrel");
    expect(userStateFolder({})).toBe(join(homedir(), ".local/state/imgrel"));
  });
});

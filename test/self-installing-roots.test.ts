import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseLock } from "../builders/contract/lock.ts";

// A root without an installer is installed by programs of its own packages. One that is in a cache already needs none of
// them, so that only a machine with an empty cache would miss one.
const PROJECT = join(import.meta.dirname, "..");
const INSTALLERS = ["apt", "apt-utils", "dpkg", "mmdebstrap"];

describe.each(["builders/toolchain", "test/system/cluster"])("the root of %s", (folder) => {
  it("has what installs it", async () => {
    const { packages } = parseLock(await readFile(join(PROJECT, folder, "lock.amd64.json"), "utf8"));
    expect(packages.map(({ name }) => name)).toEqual(expect.arrayContaining(INSTALLERS));
  });
});

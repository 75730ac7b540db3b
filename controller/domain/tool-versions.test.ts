import { expect, test } from "vitest";
import type { Lock } from "../../builders/contract/lock.ts";
import { checkToolVersions } from "./tool-versions.ts";

const lockWith = (packages: Readonly<Record<string, string>>): Lock => ({
  schemaVersion: 1,
  kind: "toolchain",
  arch: "amd64",
  requested: ["bash"],
  suites: [],
  toolchain: null,
  packages: Object.entries(packages).map(([name, version]) => ({
    name,
    version,
    arch: "amd64",
    size: 1,
    sha256: "0".repeat(64),
    path: "pool/main/x/x.deb",
    role: "builder",
    suite: "trixie",
  })),
});
const locks = [lockWith({ dracut: "106-6" }), lockWith({ mmdebstrap: "1.5.7-1", composefs: "1:1.0.8-3" })];

test.each([
  { mmdebstrap: "1.5.7" },
  { mmdebstrap: "1.5.7-1" },
  { mmdebstrap: "1.5" },
  { composefs: "1.0.8" },
  { composefs: "1:1.0.8" },
  { dracut: "106" },
  {},
])("%j is what the locks have", (tools) => {
  expect(() => checkToolVersions(tools, locks)).not.toThrow();
});

test.each([
  [{ mmdebstrap: "1.5.71" }, "mmdebstrap 1.5.71 is asked for, the lock has 1.5.7-1"],
  [{ mmdebstrap: "1.5.7-12" }, "mmdebstrap 1.5.7-12 is asked for, the lock has 1.5.7-1"],
  [{ dracut: "10" }, "dracut 10 is asked for, the lock has 106-6"],
  [{ limine: "9" }, "limine 9 is asked for, no lock has limine"],
  [{ dracut: "107", composefs: "1.1" }, "dracut 107 is asked for, the lock has 106-6; composefs 1.1 is asked for"],
])("%j is refused", (tools, message) => {
  expect(() => checkToolVersions(tools, locks)).toThrow(
    expect.objectContaining({ code: "ToolchainMismatch", message: expect.stringContaining(message) as string }),
  );
});

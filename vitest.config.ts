import { defineConfig } from "vitest/config";
import tallyReporter from "./test/tally-reporter.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** `files` with time limits per test and per hook; every project runs in plain Node processes. */
const project = (name: string, include: string[], testTimeout: number, fileParallelism: boolean) => ({
  test: {
    name,
    include,
    environment: "node",
    pool: "forks",
    fileParallelism,
    testTimeout,
    hookTimeout: testTimeout,
    teardownTimeout: MINUTE,
  },
});

/** Under sudo nothing may stay in node_modules: its owner could not remove it, and the next `npm ci` would fail. */
const keepCaches = process.env["SUDO_UID"] === undefined;

export default defineConfig({
  test: {
    cache: keepCaches,
    fsModuleCache: keepCaches,
    reporters: ["default", tallyReporter()],
    expect: { requireAssertions: true },
    projects: [
      project(
        "unit",
        ["{controller,builders}/**/*.test.ts", "test/*.test.ts", "test/shards/*.test.ts"],
        20 * SECOND,
        true,
      ),
      project("integration", ["test/{integration,contracts}/**/*.test.ts"], 2 * MINUTE, true),
      // real builds and boots: one at a time, each may take most of an hour on a small machine
      project("smoke", ["test/smoke/**/*.test.ts"], 15 * MINUTE, false),
      project("system", ["test/system/**/*.test.ts"], 45 * MINUTE, false),
    ],
  },
});

import { writeFileSync } from "node:fs";
import type { Reporter } from "vitest/node";

/**
 * Vitest reporter that leaves `<passed> <failed> <skipped>` in the file that IMGREL_TALLY names: the scripts in .ci
 * add these up. A file that could not be loaded and an error outside any test each count as one failure.
 */
export default function tallyReporter(): Reporter {
  return {
    onTestRunEnd(modules, unhandledErrors) {
      const path = process.env["IMGREL_TALLY"];
      if (path === undefined || path === "") return;
      const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
      for (const module of modules) {
        counts.failed += module.errors().length;
        for (const test of module.children.allTests()) counts[test.result().state] += 1;
      }
      writeFileSync(path, `${counts.passed} ${counts.failed} ${counts.skipped + counts.pending}\n`);
    },
  };
}

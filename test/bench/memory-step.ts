// node test/bench/memory-step.ts hash FILE | compare FOLDER FOLDER: one thing that the orchestrator does with large
// artifacts, in a process of its own, so that its memory can be measured.
import { dirname } from "node:path";
import { hashFile } from "../../builders/host/hash-file.ts";
import { createComparator } from "../../controller/wiring.ts";

const [what, first = "", second = ""] = process.argv.slice(2);
if (what === "hash") await hashFile(first);
else if (what === "compare") {
  const comparator = await createComparator({ report: () => undefined });
  const runs = [first, second].map((output, index) => ({ run: index + 1, output }));
  const job = { release: "large", version: "1", arch: "amd64" as const, runs, folder: dirname(first) };
  const report = await comparator.compare(job, new AbortController().signal);
  for (const difference of report.differences) {
    if (difference.kind !== "content") continue;
    const [found] = difference.comparisons;
    console.log(`${difference.path}: ${found?.findings[0]?.trail.map(({ name }) => name).join(" > ")}`);
  }
} else throw new Error(`no step ${what}`);

// node test/bench/cluster-controller.ts KUBECONFIG NAMESPACE SCRATCH memory|jobs: the controller that test/bench/cluster.ts
// measures, in a process of its own. It prints the address of its figures, and stops in order at SIGTERM. What the pods of
// its Jobs say at their end is asked there too, by their labels. Without arguments it ends as soon as it is compiled.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { statFields } from "../../builders/host/process-identity.ts";
import { createLogger } from "../../controller/adapters/logger.ts";
import { runClusterController } from "../../controller/cluster-wiring.ts";
import { startFileServer } from "../fakes/file-server.ts";
import { silentMetrics } from "../fakes/silent-metrics.ts";
import { tokenConnection } from "./cluster-access.ts";
import type { Figures } from "./cluster-figures.ts";
import { benchOpener } from "./cluster-opener.ts";
import { benchLocks } from "./cluster-specs.ts";
import { jobContents } from "./job-contents.ts";
import { jobRuns } from "./job-runs.ts";
import { statusesOf } from "./memory-ports.ts";

const [kubeconfig = "", namespace = "", scratch = "", builds = ""] = process.argv.slice(2);
if (kubeconfig === "") process.exit(); // what node compiled is kept: NODE_COMPILE_CACHE, as the Deployment has it
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort(new DOMException("the bench is over", "AbortError")));

const calls = new Map<string, number>();
let phases = (): ReadonlyMap<string, number> => new Map();

/** Of proc_pid_status(5), in bytes. */
const memory = (field: "VmRSS" | "VmHWM"): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024;

/** Processor time of children that have ended: cutime and cstime of proc_pid_stat(5), in hundredths of a second. */
function childSeconds(): number {
  const fields = statFields(process.pid);
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

const figures = (): Figures => ({
  ...{ pid: process.pid, rss: memory("VmRSS"), peakRss: memory("VmHWM"), heap: process.memoryUsage().heapUsed },
  ...{ cpuSeconds: (process.cpuUsage().user + process.cpuUsage().system) / 1e6, gitSeconds: childSeconds() },
  ...{ calls: Object.fromEntries(calls), phases: Object.fromEntries(phases()) },
});

const locks = await benchLocks();
const contents = jobContents(statusesOf(locks));
await using server = await startFileServer(({ url = "" }, response) => {
  const labels = new URL(url, "http://localhost").searchParams;
  response.end(JSON.stringify(labels.size === 0 ? figures() : (contents.said(Object.fromEntries(labels)) ?? null)));
});
process.stdout.write(`${server.url.href}\n`);
await runClusterController(
  {
    connection: tokenConnection(await readFile(kubeconfig, "utf8"), namespace),
    log: await createLogger({ file: undefined, cwd: "/", debug: false }),
    metrics: {
      ...silentMetrics,
      apiCalled: (verb, resource) => {
        const key = `${verb} ${resource}`;
        calls.set(key, (calls.get(key) ?? 0) + 1);
      },
      showReleases: (read) => void (phases = read),
    },
    scratch,
    opener: benchOpener(locks, builds === "jobs" ? jobRuns(contents, scratch) : undefined),
  },
  stop.signal,
);

// node --import test/bench/peak-memory.ts …: when the process ends, writes the most memory that it ever had, VmHWM of
// proc_pid_status(5) in KiB, into the file that IMGREL_PEAK_FILE names.
import { readFileSync, writeFileSync } from "node:fs";

process.on("exit", () => {
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  writeFileSync(process.env["IMGREL_PEAK_FILE"] ?? "/dev/stderr", `${peak}\n`);
});

import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { MachineFacts } from "../../../builders/contract/variation.ts";

/** What runs can be varied by on this machine: the CPUs that this process may use, and memory that is free. */
export async function machineFacts(): Promise<MachineFacts> {
  const available = /^MemAvailable:\s+([0-9]+) kB$/m.exec(await readFile("/proc/meminfo", "utf8"))?.[1];
  return { cpus: availableParallelism(), memoryAvailableBytes: Number(available ?? "0") * 1024 };
}

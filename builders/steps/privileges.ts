import { readFile } from "node:fs/promises";
import { BuildError } from "../contract/build-failure.ts";
import { CAPABILITIES } from "../contract/inside.ts";

const NAMES: ReadonlyMap<bigint, string> = new Map(
  Object.entries(CAPABILITIES).map(([name, bit]) => [BigInt(bit), name]),
);
const EXPECTED = [...NAMES.keys()].reduce((set, bit) => set | (1n << bit), 0n);

const namesOf = (set: bigint): string =>
  Array.from({ length: 64 }, (_, bit) => BigInt(bit))
    .filter((bit) => (set & (1n << bit)) !== 0n)
    .map((bit) => NAMES.get(bit) ?? `capability ${bit}`)
    .join(", ");

/** What is wrong with the process's rights, from /proc/self/status and both routing tables; empty if nothing is. */
export function privilegeFaults(status: string, ipv4Routes: string, ipv6Routes: string): string[] {
  const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1] ?? "";
  const effective = BigInt(`0x${field("CapEff") || "0"}`);
  const bounding = BigInt(`0x${field("CapBnd") || "0"}`);
  const faults: string[] = [];
  const missing = EXPECTED & ~effective;
  const excess = (effective | bounding) & ~EXPECTED;
  if (missing !== 0n) faults.push(`capabilities are missing: ${namesOf(missing)}`);
  if (excess !== 0n) faults.push(`capabilities are too many: ${namesOf(excess)}`);
  if (field("NoNewPrivs") !== "1") faults.push("no_new_privs is not set");
  const hasIpv4 = ipv4Routes.split("\n").some((line) => /^\S+\t00000000\t/.test(line));
  const hasIpv6 = ipv6Routes.split("\n").some((line) => /^0{32} 00 /.test(line) && !/\blo$/.test(line.trim()));
  if (hasIpv4 || hasIpv6) faults.push("there is a route to other networks");
  return faults;
}

/**
 * Refuses to build with other rights than intended.
 * @param mayHaveRoutes in a pod whose cluster offers no way without: its network policies are not seen from inside
 * @throws BuildError PrivilegeMismatch
 */
export async function assertPrivileges(mayHaveRoutes: boolean): Promise<void> {
  const read = async (path: string) => (mayHaveRoutes ? "" : readFile(path, "utf8").catch(() => ""));
  const faults = privilegeFaults(
    await readFile("/proc/self/status", "utf8"),
    await read("/proc/net/route"),
    await read("/proc/net/ipv6_route"),
  );
  if (faults.length === 0) return;
  throw new BuildError({
    code: "PrivilegeMismatch",
    step: "privileges",
    message: `the builder's rights are not what a build must have: ${faults.join("; ")}`,
    remedy: "start it through imgrel, or in a pod with the securityContext of docs/architecture.md",
  });
}

